"""Which objects an org has, put together from its parts. The fields themselves are declared beside this module, by what they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.salesforce.catalogue import Catalogue, pick
from sandbox.salesforce.party_objects import party_objects
from sandbox.salesforce.sales_objects import sales_objects
from sandbox.salesforce.service_objects import service_objects


def catalogue(
    cloud: str, restrict: frozenset[str], currencies: tuple[str, ...], extensions: Callable[[str], dict[str, str]]
) -> Catalogue:
    """The objects without the fields that the integration user may not see (`restrict`: "Account.Tax_Id__c")."""
    currency = pick("CurrencyIsoCode", currencies, restricted=True)
    hidden = {name.lower() for name in restrict}
    kept = {}
    for item in (*party_objects(cloud, currency), *sales_objects(currency), *service_objects(currency)):
        fields = {key: value for key, value in item.fields.items() if f"{item.name.lower()}.{key}" not in hidden}
        kept[item.name.lower()] = replace(item, fields=fields)
    return Catalogue(kept, restrict, extensions)
