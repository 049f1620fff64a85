"""The Zendesk stand-in beside tickets, users and organizations: metrics, timers, ratings, memberships, custom objects, search, ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from sandbox.world.model import Asset, Change, Comment, Product, View, native_id
from tests.sandbox.test_sandbox_zendesk import Desk, Served, ago, ticket, world


def zid(entity: str, key: int) -> str:
    return native_id("zendesk", entity, key)


def asset(key: int, **changes: Any) -> Asset:
    values: dict[str, Any] = {
        "created_at": ago(days=50), "updated_at": ago(days=50) + timedelta(minutes=key), "customer": 1, "product": 1, "name": "Pump",
        "serial_number": f"SN{key}", "status": "installed", "installed_on": date(2026, 1, 5), "cover_end": date(2027, 1, 5),
    }
    return Asset(key=key, **{**values, **changes})


def solved(key: int, **changes: Any) -> Any:
    opened = ago(days=5)
    return ticket(
        key, created_at=opened, updated_at=opened + timedelta(hours=6), status="solved", solved_at=opened + timedelta(hours=6), priority="urgent",
        comments=[
            Comment(at=opened, author=1, is_agent=False, is_public=True, body="Stopped."),
            Comment(at=opened + timedelta(hours=2), author=1, is_agent=True, is_public=True, body="Try again."),
        ],
        changes=[
            Change(at=opened + timedelta(hours=1), field="status", old="new", new="open", agent=1),
            Change(at=opened + timedelta(hours=6), field="status", old="open", new="solved", agent=1),
        ],
        **changes,
    )


def service_world(**parts: Any) -> View:
    product = Product(key=1, created_at=ago(days=90), updated_at=ago(days=90), sku="PUMP-1", name="Pump", description="", unit_price=1,  # type: ignore[arg-type]
                      currency="EUR", is_recurring=False)
    return world(**{"tickets": [ticket(1), solved(3)], "assets": [asset(key) for key in (1, 2, 3)], "products": [product], **parts})


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture
def desk(served: Served) -> Desk:
    return served(service_world(), search_lag_seconds=0)


def test_metrics_tell_when_a_ticket_was_solved_and_how_long_it_took(desk: Desk) -> None:
    id = zid("ticket", 3)
    metric = desk.get(f"/tickets/{id}/metrics")["ticket_metric"]
    assert metric["solved_at"] == (ago(days=5) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert metric["reply_time_in_minutes"] == {"calendar": 120, "business": 120} and metric["reply_time_in_seconds"] == {"calendar": 7200}
    assert metric["first_resolution_time_in_minutes"]["calendar"] == 360 and (metric["replies"], metric["reopens"]) == (1, 0)
    assert desk.get(f"/tickets/{zid('ticket', 1)}/metrics")["ticket_metric"]["solved_at"] is None
    assert {row["ticket_id"] for row in desk.get("/ticket_metrics")["ticket_metrics"]} == {int(id), int(zid("ticket", 1))}
    desk.send("PUT", f"/tickets/{id}", {"ticket": {"status": "open"}})
    again = desk.get(f"/tickets/{id}/metrics")["ticket_metric"]
    assert again["solved_at"] is None and again["reopens"] == 1 and again["first_resolution_time_in_minutes"]["calendar"] == 360


def test_metric_sets_come_beside_the_tickets_only_when_asked(desk: Desk) -> None:
    plain = desk.get("/incremental/tickets/cursor", start_time=0)["tickets"]
    assert all("metric_set" not in row for row in plain)
    loaded = desk.get("/incremental/tickets/cursor", start_time=0, include="metric_sets")["tickets"]
    assert {row["metric_set"]["ticket_id"] for row in loaded} == {row["id"] for row in plain}


def test_timer_events_are_exported_with_the_policy_and_the_breach(desk: Desk) -> None:
    answer = desk.get("/incremental/ticket_metric_events", start_time=0)
    mine = [row for row in answer["ticket_metric_events"] if row["ticket_id"] == int(zid("ticket", 3)) and row["metric"] == "reply_time"]
    assert [row["type"] for row in mine] == ["activate", "apply_sla", "measure", "breach", "fulfill"] and answer["end_of_stream"]
    assert mine[1]["sla"]["target"] == 60 and mine[1]["sla"]["policy"]["id"] == desk.get("/slas/policies")["sla_policies"][0]["id"]
    assert mine[3]["deleted"] is False and all(set(row) >= {"id", "instance_id", "time"} for row in mine)
    assert desk.call("GET", "/incremental/ticket_metric_events").status_code == 400  # no start time


def test_the_requesters_wait_stands_still_while_the_ticket_is_pending(served: Served) -> None:
    steps = [("new", "open", 1), ("open", "pending", 3), ("pending", "open", 10), ("open", "solved", 12)]
    waiting = solved(4)
    told = {**vars(waiting), "changes": [Change(at=waiting.created_at + timedelta(hours=at), field="status", old=old, new=new, agent=1)
                                         for old, new, at in steps]}
    desk = served(service_world(tickets=[type(waiting)(**told)]), search_lag_seconds=0)
    rows = [row for row in desk.get("/incremental/ticket_metric_events", start_time=0)["ticket_metric_events"] if row["metric"] == "requester_wait_time"]
    assert [(row["type"], row["instance_id"]) for row in rows] == [
        ("measure", 0), ("activate", 1), ("pause", 1), ("update_status", 1), ("activate", 1), ("fulfill", 1), ("update_status", 1)]
    assert [row["status"] for row in rows if row["type"] == "update_status"] == [{"calendar": 180, "business": 180}, {"calendar": 300, "business": 300}]


def test_exports_cut_a_decimal_start_time(desk: Desk) -> None:
    for path in ("tickets/cursor", "users/cursor", "organizations", "ticket_events", "ticket_metric_events"):
        whole, decimal = desk.get(f"/incremental/{path}", start_time="1420070400"), desk.get(f"/incremental/{path}", start_time="1420070400.0")
        assert whole == decimal
    for text in ("soon", "1.x", ".5", "-1.0"):
        desk.get("/incremental/organizations", 400, start_time=text)


def test_names_are_completed_from_their_start(desk: Desk) -> None:
    name = desk.get("/organizations")["organizations"][0]["name"]
    found = desk.get("/organizations/autocomplete", name=name[:4].upper())
    assert name in [row["name"] for row in found["organizations"]] and {"count", "next_page", "previous_page"} <= set(found)
    assert desk.get("/organizations/autocomplete", name=name[1:5])["organizations"] == []
    user = desk.get("/users")["users"][0]["name"]
    assert user in [row["name"] for row in desk.get("/users/autocomplete", name=user[:3])["users"]]
    desk.get("/users/autocomplete", 400)


def test_webhooks_are_made_listed_changed_and_deleted(desk: Desk) -> None:
    sent = {"name": "Concord", "endpoint": "https://hooks.example/zendesk", "http_method": "POST", "request_format": "json", "status": "active",
            "subscriptions": ["zen:event-type:ticket.status_changed"], "authentication": {"type": "bearer_token", "data": {"token": "t"}}}
    made = desk.call("POST", "/webhooks", json={"webhook": sent})
    assert made.status_code == 201
    hook = made.json()["webhook"]
    assert len(hook["id"]) == 26 and hook["authentication"] == {"type": "bearer_token"} and hook["subscriptions"] == sent["subscriptions"]
    other = desk.call("POST", "/webhooks", json={"webhook": {**sent, "name": "Second"}}).json()["webhook"]
    assert [row["id"] for row in desk.get("/webhooks")["webhooks"]] == sorted([hook["id"], other["id"]])
    page = desk.get("/webhooks", **{"page[size]": 1})
    assert page["meta"]["has_more"] and len(page["webhooks"]) == 1
    assert [row["name"] for row in desk.get("/webhooks", **{"filter[name_contains]": "sec"})["webhooks"]] == ["Second"]
    secret = desk.get(f"/webhooks/{hook['id']}/signing_secret")["signing_secret"]
    assert secret == {"algorithm": "SHA256", "secret": "zendesk-webhook-secret"}
    assert desk.call("POST", f"/webhooks/{hook['id']}/signing_secret").json()["signing_secret"]["secret"] != secret["secret"]
    assert desk.get(f"/webhooks/{hook['id']}/invocations")["invocations"] == []
    assert desk.call("PATCH", f"/webhooks/{hook['id']}", json={"webhook": {"status": "inactive"}}).status_code == 204
    assert desk.get(f"/webhooks/{hook['id']}")["webhook"]["status"] == "inactive"
    for wrong in ({"endpoint": "nowhere"}, {"status": "on"}, {"name": None}, {"subscriptions": ["conditional_ticket_events", "zen:event-type:x"]}, {"colour": "red"}):
        refusal = desk.call("POST", "/webhooks", json={"webhook": {**sent, **wrong}})
        assert refusal.status_code == 400 and {"code", "title", "detail"} <= set(refusal.json()["errors"][0])
    assert desk.call("DELETE", f"/webhooks/{hook['id']}").status_code == 204
    assert desk.call("GET", f"/webhooks/{hook['id']}").json()["errors"][0]["code"] == "WebhookNotFound"


def test_ratings_of_solved_tickets_by_score_and_time(desk: Desk) -> None:
    [rating] = desk.get("/satisfaction_ratings")["satisfaction_ratings"]
    assert rating["ticket_id"] == int(zid("ticket", 3)) and rating["score"] == "good"
    assert desk.get("/satisfaction_ratings", score="bad")["satisfaction_ratings"] == []
    assert desk.get("/satisfaction_ratings", start_time=2_000_000_000)["count"] == 0
    desk.get("/satisfaction_ratings", 400, score="fine")


def test_groups_brands_forms_and_statuses(desk: Desk) -> None:
    groups = desk.get("/groups")["groups"]
    assert [group["default"] for group in groups] == [True, False] and desk.get("/groups/count")["count"]["value"] == 2
    shown = desk.get(f"/tickets/{zid('ticket', 1)}")["ticket"]
    assert shown["group_id"] == groups[0]["id"] and shown["brand_id"] == desk.get("/brands")["brands"][0]["id"]
    assert desk.get(f"/groups/{groups[1]['id']}")["group"]["name"] == "Escalations"
    desk.get("/groups/1", 404)
    assert shown["custom_status_id"] in {row["id"] for row in desk.get("/custom_statuses")["custom_statuses"]}
    assert shown["ticket_form_id"] == desk.get("/ticket_forms")["ticket_forms"][0]["id"]


def test_memberships_are_joined_left_and_made_default(desk: Desk) -> None:
    user, other = int(zid("contact", 1)), int(zid("customer", 2))
    [first] = desk.get(f"/users/{user}/organization_memberships")["organization_memberships"]
    assert first["default"] and first["organization_name"] == "Northwind 1"
    body = {"organization_membership": {"user_id": user, "organization_id": other}}
    joined = desk.send("POST", "/organization_memberships", body, 201)["organization_membership"]
    assert not joined["default"] and desk.send("POST", "/organization_memberships", body, 422)["error"] == "RecordInvalid"
    desk.send("PUT", f"/users/{user}/organization_memberships/{joined['id']}/make_default", {})
    assert desk.get(f"/users/{user}")["user"]["organization_id"] == other
    [former] = [row for row in desk.get(f"/users/{user}/organization_memberships")["organization_memberships"] if not row["default"]]
    assert former["organization_id"] == first["organization_id"]
    assert desk.call("DELETE", f"/organization_memberships/{former['id']}").status_code == 204
    assert len(desk.get(f"/organizations/{other}/organization_memberships")["organization_memberships"]) == 1


def test_custom_objects_are_listed_filtered_written_and_exported(desk: Desk) -> None:
    records = "/custom_objects/asset/records"
    first = desk.get(records, **{"page[size]": 2})
    rest = desk.call("GET", first["links"]["next"]).json()
    assert [row["external_id"] for row in first["custom_object_records"] + rest["custom_object_records"]] == ["SN1", "SN2", "SN3"]
    assert first["meta"]["has_more"] and not rest["meta"]["has_more"]
    fields = first["custom_object_records"][0]["custom_object_fields"]
    assert fields == {"organization": zid("customer", 1), "sku": "PUMP-1", "serial_number": "SN1", "status": "installed",
                      "installed_on": "2026-01-05", "cover_end": "2027-01-05"}
    assert desk.get(records, **{"filter[external_ids]": "SN2"})["custom_object_records"][0]["id"] == zid("asset", 2)
    assert desk.get(f"{records}/count")["count"]["value"] == 3 and desk.get(records, 400, page=2)["errors"][0]["code"]
    assert desk.get("/custom_objects/contract/records", 404)["errors"][0]["code"] == "RecordNotFound"

    def sent(**values: Any) -> dict[str, Any]:
        return {"custom_object_record": values}

    changed = desk.send("PATCH", f"{records}?external_id=SN1", sent(custom_object_fields={"status": "retired"}))["custom_object_record"]
    assert changed["custom_object_fields"]["status"] == "retired" and changed["id"] == zid("asset", 1)
    made = desk.send("PATCH", f"{records}?external_id=SN9", sent(name="New"), 201)["custom_object_record"]
    assert desk.send("PATCH", f"{records}/{made['id']}", sent(custom_object_fields={"status": "lost"}), 422)["errors"]
    assert desk.send("POST", records, sent(name="Twin", external_id="SN9"), 422)["errors"]
    assert desk.call("DELETE", f"{records}/{made['id']}").status_code == 204
    desk.get(f"{records}/{made['id']}", 404)
    exported = desk.get("/incremental/custom_objects/asset/cursor", start_time=0)
    assert {row["external_id"] for row in exported["custom_object_records"]} >= {"SN2", "SN3"} and exported["end_of_stream"]


def test_a_bulk_job_on_custom_objects_tells_of_each_item(desk: Desk) -> None:
    items = [{"external_id": "SN1", "custom_object_fields": {"status": "retired"}}, {"external_id": "SN8"}]
    body = {"job": {"action": "create_or_update_by_external_id", "items": items}}
    done = desk.job(desk.send("POST", "/custom_objects/asset/jobs", body))
    assert done["results"][0]["status"] == "Updated" and done["results"][1]["error"]  # the second has no name
    desk.send("POST", "/custom_objects/asset/jobs", {"job": {"action": "merge", "items": items}}, 400)


def test_search_finds_by_its_language_up_to_a_thousand(served: Served) -> None:
    desk = served(service_world(tickets=[ticket(key) for key in range(1, 1051)] + [solved(2000)]), search_lag_seconds=0)
    assert desk.get("/search/count", query="type:ticket status<solved")["count"] == 1050
    [found] = desk.get("/search", query="type:ticket status:solved priority>=high requester:ada@northwind1.example")["results"]
    assert found["result_type"] == "ticket" and found["id"] == int(zid("ticket", 2000))
    assert desk.get("/search", query='type:organization name:"northwind 2"')["results"][0]["id"] == int(zid("customer", 2))
    assert desk.get("/search", query="type:ticket -status:open")["count"] == 1
    last = desk.get("/search", query="type:ticket", page=10)
    assert len(last["results"]) == 100 and last["count"] == 1051
    assert desk.get("/search", 422, query="type:ticket", page=11)["error"] == "invalid"
    ids: set[int] = set()
    page = desk.get("/search/export", query="status:open", **{"filter[type]": "ticket", "page[size]": 400})
    while True:
        ids |= {row["id"] for row in page["results"]}
        if not page["meta"]["has_more"]:
            break
        page = desk.call("GET", page["links"]["next"]).json()
    assert len(ids) == 1050
    desk.get("/search/export", 400, query="*")


def test_search_lags_behind_a_write(served: Served) -> None:
    desk = served(service_world())
    desk.send("PUT", f"/organizations/{zid('customer', 1)}", {"organization": {"notes": "fresh words"}})
    assert desk.get("/search", query='"fresh words"')["count"] == 0
    desk.clock.advance(timedelta(minutes=3))
    assert desk.get("/search", query='"fresh words"')["count"] == 1


def test_merged_users_hand_over_their_tickets(desk: Desk) -> None:
    loser = desk.send("POST", "/users", {"user": {"name": "Old", "email": "old@n.example"}}, 201)["user"]["id"]
    winner = int(zid("contact", 1))
    desk.send("PUT", f"/tickets/{zid('ticket', 1)}", {"ticket": {"requester_id": loser}})
    assert desk.send("PUT", f"/users/{loser}/merge", {"user": {"id": winner}})["user"]["id"] == winner
    assert desk.get(f"/tickets/{zid('ticket', 1)}")["ticket"]["requester_id"] == winner
    assert [row["id"] for row in desk.get("/deleted_users")["deleted_users"]] == [loser]
    assert desk.call("DELETE", f"/deleted_users/{loser}").json()["deleted_user"]["name"] == "Permanently Deleted User"
    desk.send("PUT", f"/users/{zid('agent', 1)}/merge", {"user": {"id": winner}}, 422)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_merged_organizations_hand_over_users_tickets_and_domains(desk: Desk, method: str) -> None:
    loser, winner = int(zid("customer", 1)), int(zid("customer", 2))
    merge = desk.send(method, f"/organizations/{loser}/merge", {"organization_merge": {"winner_id": winner}})["organization_merge"]
    assert merge["status"] == "new" and desk.get(f"/organization_merges/{merge['id']}")["organization_merge"]["status"] == "complete"
    desk.get(f"/organizations/{loser}", 404)
    assert desk.get(f"/organizations/{winner}")["organization"]["domain_names"] == ["northwind2.example", "northwind1.example"]
    assert {row["organization_id"] for row in desk.get("/tickets")["tickets"]} == {winner}


def test_merged_tickets_are_closed_with_their_tag_and_destroyed_ones_leave_the_bin(desk: Desk) -> None:
    source, target = int(zid("ticket", 3)), int(zid("ticket", 1))
    assert desk.job(desk.send("POST", f"/tickets/{target}/merge", {"ids": [source]}))["results"][0]["success"]
    merged = desk.get(f"/tickets/{source}")["ticket"]
    assert merged["status"] == "closed" and "closed_by_merge" in merged["tags"]
    assert desk.call("DELETE", f"/tickets/{target}").status_code == 204
    desk.job(desk.call("DELETE", f"/deleted_tickets/{target}").json())
    assert desk.get("/deleted_tickets")["count"] == 0
    desk.clock.advance(timedelta(minutes=2))
    [gone] = [row for row in desk.get("/incremental/tickets/cursor", start_time=0)["tickets"] if row["id"] == target]
    assert gone["status"] == "deleted" and gone["subject"] == "SCRUBBED"


def test_audits_of_the_account_are_paged_by_the_cursor_at_the_top(desk: Desk) -> None:
    page, ids = desk.get("/ticket_audits", limit=2), []
    while True:
        assert "meta" not in page
        ids += [row["id"] for row in page["audits"]]
        if page["after_url"] is None:
            break
        page = desk.call("GET", page["after_url"]).json()
    assert len(ids) == len(set(ids)) > 4
