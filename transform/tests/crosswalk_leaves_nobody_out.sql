-- every customer record is either linked or listed as unmatched, never both, never neither
select record.record_key
from {{ ref('customer_record') }} as record
left join {{ ref('crosswalk') }} as link on record.record_key = link.record_key
left join {{ ref('crosswalk_unmatched') }} as unmatched on record.record_key = unmatched.record_key
where (link.record_key is null) = (unmatched.record_key is null)
