-- a disagreement cannot have begun after the newest extract saw the world (a day of slack for vendors whose clock runs ahead)
select finding_id, since, as_of
from {{ ref('drift') }}
where since > as_of + interval 1 day
