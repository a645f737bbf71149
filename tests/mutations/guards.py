"""The guards that the promises of docs/reliability.md rest on: where each stands, how it is taken out, and which tests must fail then."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """`old` becomes `new` in `file`, and at least one of `tests` fails."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


CONSUMER, OUTBOX, TAIL = (f"tests/shared/test_{name}.py::test_" for name in ("consumer", "outbox", "broker_tail"))
COMMANDS, RESERVATIONS = "tests/shared/test_commands.py::test_", "tests/roster/test_reservations.py::test_"
APPROVAL = "tests/workflows/test_approval.py::test_"
DELETED = 'await conn.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(sent))'

GUARDS = (
    Guard(
        "an idempotency key is kept with its effect",
        "shared/db.py",
        "                await _keep(conn, run.__name__, by, body_hash, to_jsonable_python(answer))\n",
        "",
        (f"{COMMANDS}the_same_key_gives_the_same_answer_and_one_effect", f"{COMMANDS}two_twins_in_flight_have_one_effect_and_one_answer"),
    ),
    Guard(
        "a lane has one owner",
        "shared/lanes.py",
        'return bool(await self._conn.fetchval("SELECT pg_try_advisory_lock(hashtext($1), $2)", self._namespace, lane))',
        "return True",
        (f"{OUTBOX}relays_side_by_side_send_each_row_once",),
    ),
    Guard(
        "rows are deleted after the broker's answer only",
        "shared/kafka.py",
        "            await self._doubt(error)\n            return ()",
        '            await self._doubt(error)\n            return [row["id"] for row in rows]',
        (f"{TAIL}a_broker_that_does_not_answer_has_taken_nothing",),
    ),
    Guard(
        "what the broker has lost is put back",
        "shared/broker_tail.py",
        "            lost,\n            destination,",
        "            lost[:0],\n            destination,",
        (f"{TAIL}what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position",),
    ),
    Guard(
        "what is put back stands in front of what waits",
        "shared/broker_tail.py",
        "(SELECT least(0, min(id)) FROM outbox) - cardinality($1::uuid[]) + place - 1",
        "(SELECT coalesce(max(id), 0) + 1000 FROM outbox) + place",
        (f"{TAIL}what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position",),
    ),
    Guard(
        "the log is filled up beyond its old end",
        "shared/kafka.py",
        "                await _fill(broker, at, self._led[at].reaches - end.offset)\n",
        "",
        (f"{TAIL}what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position",),
    ),
    Guard(
        "an answer at an offset that was answered before is no answer",
        "shared/kafka.py",
        "            await self._put_back(conn, batch.at, End(batch.first_offset, batch.led.epoch))\n",
        f"            {DELETED}\n",
        (f"{TAIL}what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position",),
    ),
    Guard(
        "an answer from before a loss that somebody noticed is no answer",
        "shared/broker_tail.py",
        " WHERE known.losses = excluded.losses RETURNING true),",
        " RETURNING true),",
        (f"{TAIL}an_answer_from_before_a_loss_that_another_relay_has_noticed_counts_for_nothing",),
    ),
    Guard(
        "another leader may have forgotten what was on its way",
        "shared/kafka.py",
        " or end.epoch != known[at].epoch:",
        ":",
        (f"{TAIL}after_a_change_of_leader_nobodys_position_hides_what_comes_next",),
    ),
    Guard(
        "nothing is sent over a connection that was not looked at",
        "shared/kafka.py",
        "        broker = self._broker\n        if broker is None:",
        "        broker = await self._connected()\n        if broker is None:",
        (f"{TAIL}nothing_is_sent_over_a_new_connection_before_it_was_looked_at",),
    ),
    Guard(
        "an event is handled once, known by its id",
        "shared/inbox.py",
        " ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id)",
        " ORDER BY event_id ON CONFLICT (consumer, event_id) DO UPDATE SET at = now() RETURNING event_id)",
        (f"{CONSUMER}the_inbox_alone_keeps_out_what_an_earlier_batch_has_handled",),
    ),
    Guard(
        "an event twice in one batch is handled once",
        "shared/consumer.py",
        "            fresh.discard(each.event_id)  # the same event may stand twice in one batch\n",
        "",
        (f"{CONSUMER}the_inbox_alone_keeps_a_double_out_also_within_one_batch",),
    ),
    Guard(
        "an old version under another id changes nothing",
        "shared/inbox.py",
        "        if event.version <= seen:",
        "        if False:",
        (f"{CONSUMER}an_older_version_under_another_id_changes_nothing",),
    ),
    Guard(
        "a version that is missing in between parks the key",
        "shared/inbox.py",
        "        if event.version > seen + 1:",
        "        if False:",
        (f"{CONSUMER}a_version_that_is_lost_keeps_its_key_parked",),
    ),
    Guard(
        "the whole key waits behind a dead letter",
        "shared/consumer.py",
        "        if each.key in parked:",
        "        if False:",
        (f"{CONSUMER}an_invalid_event_is_parked_with_its_whole_key_others_go_on_and_replay_keeps_the_order",),
    ),
    Guard(
        "an event under another key is parked",
        "shared/consumer.py",
        '        if self.headers.get("ce_partitionkey") != self.key:',
        "        if False:",
        ("tests/fuzz/test_records.py::test_an_event_under_another_key_is_parked_and_stays_refused_until_it_is_dropped",),
    ),
    Guard(
        "position and effect are one transaction",
        "shared/consumer.py",
        "            await _apply(conn, subscription, [record for records in batches.values() for record in records])\n",
        "            for record in [record for records in batches.values() for record in records]:\n"
        "                async with _transaction(database) as alone:\n"
        "                    await Versions({}).write(alone, subscription.name, _next_offsets([record]))\n"
        "                async with _transaction(database) as alone:\n"
        "                    await _apply(alone, subscription, [record])\n",
        (f"{CONSUMER}position_inbox_and_effect_are_one_transaction_when_the_process_dies_between_them",),
    ),
    Guard(
        "a full disk or a lock is tried again, never parked",
        "shared/consumer.py",
        "    except PASSING as error:",
        "    except ZeroDivisionError as error:",
        (f"{CONSUMER}a_lock_or_a_deadlock_is_tried_again_for_as_long_as_it_takes",),
    ),
    Guard(
        "a store that cannot now is answered with 503",
        "shared/http.py",
        "    for passing in (Unavailable, *PASSING):",
        "    for passing in (Unavailable,):",
        ("tests/shared/test_http.py::test_each_kind_of_error_has_its_status_and_code",),
    ),
    Guard(
        "a workflow is asked for once",
        "shared/outbox.py",
        "    if asked:\n",
        "    if asked or True:\n",
        (f"{OUTBOX}a_workflow_is_asked_for_once_even_after_the_row_was_sent",),
    ),
    Guard(
        "a decision repeated with its key is not carried out again",
        "workflows/approval_case.py",
        "        answer = self._given_before()\n",
        "        answer = None\n",
        (f"{APPROVAL}the_same_update_id_gets_the_same_answer_also_in_the_next_run",),
    ),
    Guard(
        "a claim that wakes up late is refused by the tombstone",
        "services/roster/rules/posts.py",
        "    if revision <= buried:",
        "    if False:",
        (f"{RESERVATIONS}a_claim_that_wakes_up_late_is_refused_by_the_tombstone",),
    ),
    Guard(
        "a claim that was on its way when the case was withdrawn is given back",
        "workflows/approval.py",
        "            self.held = self.case.revision\n",
        "",
        (f"{APPROVAL}a_claim_that_wakes_up_after_the_withdrawal_is_given_back",),
    ),
    Guard(
        "the unit is locked before its posts are counted",
        "services/roster/commands/locks.py",
        'if await conn.fetchval("SELECT true FROM units WHERE id = $1 FOR NO KEY UPDATE", unit_id) is None:',
        'if await conn.fetchval("SELECT true FROM units WHERE id = $1", unit_id) is None:',
        (f"{RESERVATIONS}two_applications_racing_for_the_last_post_leave_one_claim",),
    ),
)
