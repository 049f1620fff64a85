select
    remark.connection,
    remark.case_comment_id as comment_id,
    remark.case_id,
    remark.created_by_id as author_id,
    remark.is_published as is_public,
    author.user_type = 'Standard' as is_from_agent,  -- customers write as users of the portal or through the site's own user
    remark.created_at
from {{ ref('stg_salesforce_service__case_comments') }} as remark
left join {{ ref('stg_salesforce_service__users') }} as author
    on remark.connection = author.connection and remark.created_by_id = author.user_id
where not remark.is_removed
