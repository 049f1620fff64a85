"""The instance's tables: columns with their types and defaults, which table extends which, and the choices of coded columns.

A column is written `name`, `name:type`, `name:type=default` (`~` for a blank) or `name>referenced_table`. What records hold belongs to `records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

TEXT_KINDS = frozenset({"string", "GUID", "glide_date_time", "glide_date", "glide_duration", "reference", "journal_input", "glide_list"})
NUMBER_KINDS = frozenset({"integer", "decimal"})


@dataclass(frozen=True)
class Column:
    name: str
    kind: str = "string"
    default: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Table:
    """One table. `display`: the column that stands for a record. `columns` are its own; those it inherits come with `columns_of`."""

    name: str
    label: str
    parent: str
    display: str
    columns: dict[str, Column]
    prefix: str = ""  # of its numbers
    is_read_only: bool = False


_SYSTEM = (
    "sys_id:GUID sys_created_on:glide_date_time sys_created_by sys_updated_on:glide_date_time sys_updated_by sys_mod_count:integer=0 sys_tags"
)
_CLASS = "sys_class_name"
_DOMAIN = "sys_domain>sys_user_group=global sys_domain_path=/"
_INSERT_ONLY = "sys_id:GUID sys_created_on:glide_date_time sys_created_by"

_ADDRESS = "street city state zip country latitude:decimal longitude:decimal"


def _parse(text: str) -> dict[str, Column]:
    columns = {}
    for token in text.split():
        head, _, default = token.partition("=")
        head, _, reference = head.partition(">")
        name, _, kind = head.partition(":")
        columns[name] = Column(name, "reference" if reference else kind or "string", default.replace("~", " "), reference)
    return columns


def _table(
    name: str, label: str, columns: str, *, parent: str = "", display: str = "name", prefix: str = "", is_read_only: bool = False,
) -> Table:
    return Table(name, label, parent, display, _parse(columns), prefix, is_read_only)


_ALL = (
    _table("core_company", "Company", f"""{_SYSTEM} {_CLASS} name parent>core_company customer:boolean=false vendor:boolean=false
        manufacturer:boolean=false website phone fax_phone {_ADDRESS} stock_symbol stock_price num_employees:integer
        revenue_per_year:decimal=0 profits:decimal=0 market_cap:decimal=0 fiscal_year:glide_date notes contact>sys_user rank_tier discount
        primary:boolean=false publicly_traded:boolean=false vendor_type vendor_manager:glide_list banner_image banner_image_light
        banner_text apple_icon theme lat_long_error"""),
    _table("customer_account", "Account", """number account_code account_path account_parent>customer_account registration_code
        partner:boolean=false primary_contact>customer_contact active_escalation active:boolean=true duns_number u_erp_customer_id
        u_crm_account_id u_tax_id u_credit_status u_erp_balance:decimal u_overdue_amount:decimal u_overdue_days:integer
        u_entitlement_tier u_entitlement_start:glide_date u_entitlement_end:glide_date""", parent="core_company", prefix="ACCT"),
    _table("account_relationship", "Account Relationship", f"""{_SYSTEM} from_account>customer_account to_account>customer_account type
        active:boolean=true""", display="type"),
    _table("sn_customerservice_contact_relationship", "Contact Relationship", f"""{_SYSTEM} contact>customer_contact
        account>customer_account responsibilities type""", display="contact"),
    _table("sn_customerservice_team_member", "Account Team Member", f"""{_SYSTEM} account>customer_account user>sys_user responsibilities
        type""", display="user"),
    _table("sys_user", "User", f"""{_SYSTEM} {_CLASS} {_DOMAIN} user_name name first_name last_name middle_name email phone mobile_phone
        home_phone title active:boolean=true locked_out:boolean=false vip:boolean=false company>core_company location>cmn_location
        department>cmn_department manager>sys_user time_zone preferred_language last_login:glide_date last_login_time:glide_date_time
        last_login_device {_ADDRESS} gender employee_number notification:integer=2 calendar_integration:integer=1 date_format time_format
        web_service_access_only:boolean=false internal_integration_user:boolean=false enable_multifactor_authn:boolean=false
        geolocation_tracked:boolean=false last_position_update:glide_date_time source building agent_status default_perspective
        time_sheet_policy cost_center failed_attempts:integer edu_status roles ldap_server introduction photo schedule on_schedule"""),
    _table("customer_contact", "Contact", "account>customer_account", parent="sys_user"),
    _table("csm_consumer", "Consumer", f"""{_SYSTEM} number name first_name last_name middle_name prefix suffix title gender
        primary_email email business_phone home_phone mobile_phone fax {_ADDRESS} active:boolean=true user>sys_user household notes
        notification:integer=2 preferred_language time_zone time_format date_format photo primary:boolean=false sys_domain>sys_user_group=global""",
        prefix="CSMR"),
    _table("sys_user_group", "Group", f"{_SYSTEM} name description manager>sys_user type email active:boolean=true parent>sys_user_group"),
    _table("sys_user_grmember", "Group Member", f"{_SYSTEM} group>sys_user_group user>sys_user", display="user"),
    _table("sys_user_role", "Role", f"{_SYSTEM} name description"),
    _table("sys_user_has_role", "User Role", f"""{_SYSTEM} user>sys_user role>sys_user_role inherited:boolean=false
        state=active granted_by>sys_user_group""", display="role"),
    _table("task", "Task", f"""{_SYSTEM} {_CLASS} {_DOMAIN} number state:integer=1 priority:integer=4 urgency:integer=3 impact:integer=3
        escalation:integer=0 active:boolean=true parent>task contact_type short_description description assigned_to>sys_user
        assignment_group>sys_user_group additional_assignee_list:glide_list opened_at:glide_date_time opened_by>sys_user
        closed_at:glide_date_time closed_by>sys_user close_notes due_date:glide_date_time sla_due:glide_date_time made_sla:boolean=true
        follow_up:glide_date_time company>core_company location>cmn_location cmdb_ci>cmdb_ci business_service>cmdb_ci_service
        watch_list:glide_list work_notes_list:glide_list group_list:glide_list reassignment_count:integer=0 time_worked:glide_duration
        business_duration:glide_duration calendar_duration:glide_duration work_start:glide_date_time work_end:glide_date_time
        expected_start:glide_date_time activity_due:glide_date_time correlation_id correlation_display comments:journal_input
        work_notes:journal_input comments_and_work_notes:journal_input knowledge:boolean=false order:integer approval=not~requested
        approval_history:journal_input approval_set:glide_date_time upon_approval=proceed upon_reject=cancel user_input
        rejection_goto delivery_plan delivery_task wf_activity""", display="number"),
    _table("sn_customerservice_case", "Case", """account>customer_account contact>customer_contact consumer>csm_consumer
        partner>customer_account partner_contact>customer_contact contract>ast_contract entitlement>service_entitlement asset>alm_asset
        product>cmdb_model install_base>sn_install_base_item sold_product>sn_install_base_sold_product service_organization
        account_entitlement category:integer=1 subcategory:integer resolved_at:glide_date_time resolved_by>sys_user resolution_code cause
        probable_cause needs_attention:boolean=false first_response_time:glide_date_time case_report>sn_customerservice_case_report
        problem>problem change>change_request caused_by>change_request major_case_state active_escalation active_account_escalation
        notify:integer=1 case support_manager>sys_user skills:glide_list auto_created_case:boolean=false
        child_case_creation_progress:boolean=false sync_driver:boolean=false recipient_list:glide_list contact_local_time
        contact_time_zone sn_app_cs_social_social_profile notes_to_comments:boolean=false variables variable_pool
        hierarchical_variables=variable_pool follow_the_sun:boolean=false business_impact u_order_number u_credit_hold:boolean=false
        u_lapsed_cover:boolean=false""", parent="task", display="number", prefix="CS"),
    _table("incident", "Incident", """caller_id>sys_user incident_state:integer=1 category subcategory severity:integer=3
        resolved_at:glide_date_time resolved_by>sys_user close_code hold_reason:integer parent_incident>incident problem_id>problem
        rfc>change_request caused_by>change_request child_incidents:integer=0 reopen_count:integer=0 notify:integer=1
        business_stc:integer calendar_stc:integer""", parent="task", display="number", prefix="INC"),
    _table("sn_customerservice_case_entitlement", "Case Entitlement", f"""{_SYSTEM} case>sn_customerservice_case
        entitlement>service_entitlement""", display="entitlement"),
    _table("service_entitlement", "Entitlement", f"""{_SYSTEM} number name entitlement_name account>customer_account consumer>csm_consumer
        household contract>sn_pss_core_service_contract service_contract_line>sn_pss_core_service_contract_line sold_entitlement
        product>cmdb_model product_offering asset>alm_asset start_date:glide_date end_date:glide_date state=draft active:boolean=true unit
        total_units:decimal remaining_units:decimal""", prefix="ENTL"),
    _table("sn_pss_core_service_contract", "Service Contract", f"""{_SYSTEM} number short_description vendor_contract
        account>customer_account consumer>csm_consumer household contact>customer_contact state=draft starts:glide_date ends:glide_date
        contract_administrator>sys_user active:boolean=true""", display="number", prefix="CNTR"),
    _table("sn_pss_core_service_contract_line", "Service Contract Line", f"""{_SYSTEM} number name contract>sn_pss_core_service_contract
        sold_product>sn_install_base_sold_product product_model>cmdb_model product_offering product_specification
        parent_contract_line>sn_pss_core_service_contract_line starts:glide_date ends:glide_date state=draft""", prefix="CNTRL"),
    _table("ast_contract", "Contract", f"""{_SYSTEM} {_CLASS} number short_description vendor_contract account>customer_account
        contact>customer_contact state=draft starts:glide_date ends:glide_date contract_administrator>sys_user active:boolean=true""",
        display="number", prefix="CNTR"),
    _table("sn_install_base_m2m_contract_sold_product", "Covered Sold Product", f"""{_SYSTEM} entitlement>service_entitlement
        contract>sn_pss_core_service_contract service_contract_line>sn_pss_core_service_contract_line
        sold_product>sn_install_base_sold_product install_base>sn_install_base_item added:glide_date removed:glide_date""",
        display="sold_product"),
    _table("sn_install_base_sold_product", "Sold Product", f"""{_SYSTEM} name number account>customer_account consumer>csm_consumer
        product>cmdb_model state=active start_date:glide_date end_date:glide_date serial_number
        parent>sn_install_base_sold_product""", prefix="SPRD"),
    _table("sn_install_base_item", "Install Base Item", f"""{_SYSTEM} name number account>customer_account consumer>csm_consumer
        product>cmdb_model sold_product>sn_install_base_sold_product asset>alm_asset state=installed start_date:glide_date
        end_date:glide_date serial_number parent>sn_install_base_item""", prefix="IBI"),
    _table("alm_asset", "Asset", f"""{_SYSTEM} {_CLASS} {_DOMAIN} asset_tag display_name serial_number model>cmdb_model
        model_category>cmdb_model_category account>customer_account company>core_company contact>customer_contact install_status:integer=1
        substatus install_date:glide_date_time purchase_date:glide_date warranty_expiration:glide_date quantity:integer=1 ci>cmdb_ci
        parent>alm_asset""", display="display_name"),
    _table("alm_hardware", "Hardware", "", parent="alm_asset", display="display_name"),
    _table("cmdb_model", "Product Model", f"""{_SYSTEM} {_CLASS} name display_name model_number short_description description
        manufacturer>core_company status=in_production cost:decimal cmdb_model_category:glide_list""", display="display_name"),
    _table("cmdb_model_category", "Model Category", f"{_SYSTEM} name"),
    _table("sn_pss_core_entitlement_usage", "Entitlement Usage", f"""{_SYSTEM} entitlement>service_entitlement
        service_contract_line>sn_pss_core_service_contract_line entitlement_characteristic>sn_pss_core_entitlement_characteristic
        period_start:glide_date period_end:glide_date total_units:decimal used_units:decimal""", display="entitlement"),
    _table("sn_pss_core_entitlement_characteristic", "Entitlement Characteristic", f"""{_SYSTEM} entitlement>service_entitlement
        service_contract_line>sn_pss_core_service_contract_line characteristic characteristic_option value type""", display="value"),
    _table("contract_sla", "SLA Definition", f"""{_SYSTEM} name collection type=SLA target duration:glide_duration schedule
        active:boolean=true conditions"""),
    _table("task_sla", "Task SLA", f"""{_SYSTEM} task>task sla>contract_sla stage=in_progress has_breached:boolean=false
        active:boolean=true start_time:glide_date_time end_time:glide_date_time planned_end_time:glide_date_time
        original_breach_time:glide_date_time duration:glide_duration business_duration:glide_duration percentage:decimal=0
        business_percentage:decimal=0 pause_duration:glide_duration pause_time:glide_date_time time_left:glide_duration
        business_time_left:glide_duration schedule timezone=GMT""", display="task"),
    _table("sys_journal_field", "Journal Entry", f"{_INSERT_ONLY} name element_id element value", display="element", is_read_only=True),
    _table("sys_audit", "Audit", f"""{_INSERT_ONLY} tablename documentkey fieldname oldvalue newvalue user reason
        record_checkpoint:integer=0""", display="fieldname", is_read_only=True),
    _table("sys_history_line", "History", """sys_id:GUID set field label old new update:integer=0 update_time:glide_date_time user_name
        user>sys_user type""", display="field", is_read_only=True),
    _table("sys_audit_delete", "Audit Deleted Record", f"""{_INSERT_ONLY} sys_updated_on:glide_date_time tablename documentkey display_value
        user payload""", display="display_value", is_read_only=True),
    _table("sys_choice", "Choice", f"""{_SYSTEM} name element value label language=en inactive:boolean=false sequence:integer=0
        dependent_value""", display="label", is_read_only=True),
    _table("sys_dictionary", "Dictionary Entry", f"""{_SYSTEM} name element internal_type reference max_length:integer=40
        active:boolean=true column_label mandatory:boolean=false read_only:boolean=false attributes""", display="element",
        is_read_only=True),
    _table("sys_db_object", "Table", f"{_SYSTEM} name label super_class>sys_db_object", is_read_only=True),
    _table("sys_rate_limit_rules", "Rate Limit Rule", f"""{_SYSTEM} name resource request_limit:integer user>sys_user role
        active:boolean=true""", is_read_only=True),
    _table("u_erp_account_status", "ERP account status", f"""{_SYSTEM} u_erp_customer_id u_credit_status u_erp_balance u_overdue_amount
        u_overdue_days u_tax_id sys_import_state=pending sys_target_sys_id sys_import_state_comment sys_import_set""",
        display="u_erp_customer_id"),
)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}
AUDITED = frozenset({
    "sn_customerservice_case", "incident", "customer_account", "customer_contact", "sys_user", "service_entitlement", "alm_asset", "alm_hardware",
    "sn_pss_core_service_contract", "sn_pss_core_service_contract_line", "cmdb_model", "sn_install_base_item", "sn_install_base_sold_product",
    "csm_consumer", "sys_user_group", "task_sla",
})

_PRIORITY = {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low"}
_LEVEL = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
_ESCALATION = {"0": "Normal", "1": "Moderate", "2": "High", "3": "Overdue"}
_CONTACT = {"chat": "Chat", "email": "Email", "phone": "Phone", "social": "Social", "web": "Web"}
_CONTRACT_STATE = {"draft": "Draft", "active": "Active", "expired": "Expired", "cancelled": "Cancelled"}
CHOICES: dict[tuple[str, str], dict[str, str]] = {
    ("task", "priority"): {**_PRIORITY, "5": "5 - Planning"},
    ("task", "urgency"): _LEVEL,
    ("task", "impact"): _LEVEL,
    ("task", "escalation"): _ESCALATION,
    ("task", "contact_type"): _CONTACT,
    ("sn_customerservice_case", "priority"): _PRIORITY,
    ("sn_customerservice_case", "state"): {
        "1": "New", "10": "Open", "18": "Awaiting Info", "6": "Resolved", "3": "Closed", "7": "Cancelled"},
    ("sn_customerservice_case", "category"): {"0": "Question", "1": "Issue", "2": "Feature"},
    ("sn_customerservice_case", "subcategory"): {"0": "Question"},
    ("sn_customerservice_case", "major_case_state"): {
        "proposed": "Proposed", "accepted": "Accepted", "rejected": "Rejected", "canceled": "Canceled"},
    ("incident", "state"): {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    ("incident", "incident_state"): {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    ("service_entitlement", "state"): {**_CONTRACT_STATE, "suspended": "Suspended"},
    ("sn_pss_core_service_contract", "state"): _CONTRACT_STATE,
    ("sn_pss_core_service_contract_line", "state"): _CONTRACT_STATE,
    ("ast_contract", "state"): _CONTRACT_STATE,
    ("alm_asset", "install_status"): {
        "1": "In use", "2": "On order", "3": "In maintenance", "6": "In stock", "7": "Retired", "8": "Missing", "9": "In transit",
        "10": "Consumed"},
    ("task_sla", "stage"): {
        "in_progress": "In progress", "paused": "Paused", "cancelled": "Cancelled", "completed": "Completed", "breached": "Breached"},
    ("customer_account", "u_credit_status"): {"ok": "OK", "hold": "Hold"},
    ("customer_account", "u_entitlement_tier"): {"basic": "Basic", "standard": "Standard", "premium": "Premium"},
}


@cache
def chain(table: str) -> tuple[str, ...]:
    """The table and those that it extends, itself first."""
    parent = TABLES[table].parent
    return (table, *(chain(parent) if parent else ()))


@cache
def classes(table: str) -> tuple[str, ...]:
    """The table and all that extend it: whose records a query of the table finds."""
    return tuple(name for name in TABLES if table in chain(name))


@cache
def columns_of(table: str) -> dict[str, Column]:
    """Every column of the table, inherited ones included."""
    found: dict[str, Column] = {}
    for name in reversed(chain(table)):
        found |= TABLES[name].columns
    return found


@cache
def choices_of(table: str, column: str) -> dict[str, str]:
    """Labels by stored code; the nearest table of the chain that defines any."""
    return next((CHOICES[(name, column)] for name in chain(table) if (name, column) in CHOICES), {})


def max_length(column: Column) -> int:
    if column.kind in ("reference", "GUID"):
        return 32
    if column.name in ("correlation_id", "correlation_display", "name", "email"):
        return 100
    return {"journal_input": 4000, "glide_list": 4000}.get(column.kind, 4000 if column.name in ("description", "value", "payload") else 255)
