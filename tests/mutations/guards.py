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


CONSUMER, OUTBOX, TAIL, REPLAYS = (f"tests/shared/test_{name}.py::test_" for name in ("consumer", "outbox", "broker_tail", "replays"))
COMMANDS, RESERVATIONS = "tests/shared/test_commands.py::test_", "tests/roster/test_reservations.py::test_"
APPROVAL, SEALING = (f"tests/workflows/test_{name}.py::test_" for name in ("approval", "sealing"))
SIGN_IN, SESSIONS, PASSWORDS, OIDC = (f"tests/identity/test_{name}.py::test_" for name in ("sign_in", "sessions", "passwords", "oidc"))
RESTORE = "tests/e2e/test_restore.py::test_a_fresh_home_is_brought_to_a_stated_minute_and_goes_on_from_there"
PASSING = "tests/portal/test_passing.py::test_"
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
        "a relay that is told to end as it is stirred ends",
        "shared/outbox.py",
        "                async with asyncio.timeout(min(again, left)):\n                    await stirred.wait()\n",
        "                await asyncio.wait_for(stirred.wait(), min(again, left))\n",
        (f"{OUTBOX}a_relay_that_is_told_to_end_in_the_moment_it_is_stirred_ends",),
    ),
    Guard(
        "a look that took too long gives its connection up",
        "shared/kafka.py",
        "            if isinstance(error, TimeoutError):\n",
        "            if False:\n",
        (f"{TAIL}a_look_that_took_too_long_leaves_no_transaction_open",),
    ),
    Guard(
        "what is lost and not kept any more is told again with its partition",
        "shared/broker_tail.py",
        "        if kept < reached and not await",
        "        if False and not await",
        (f"{TAIL}what_is_lost_and_not_kept_any_more_is_told_again_with_all_of_its_partition",),
    ),
    Guard(
        "what the broker has lost is put back",
        "shared/broker_tail.py",
        "await conn.execute(_TELL, lost, destination)",
        "await conn.execute(_TELL, lost[:0], destination)",
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
        "await _fill(broker, at, self._led[at].reaches - end.offset)",
        "pass",
        (f"{TAIL}what_the_broker_has_lost_is_told_again_in_order_and_read_from_any_position",),
    ),
    Guard(
        "an answer at an offset that was answered before is no answer",
        "shared/kafka.py",
        "            await self._put_back(conn, batch.at, End(batch.first_offset, batch.led.epoch), batch.first_offset)\n",
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
        " or end.epoch != known[at].epoch}",
        "}",
        (f"{TAIL}after_a_change_of_leader_nobodys_position_hides_what_comes_next",),
    ),
    Guard(
        "what a leader had is measured by where its own part of the log ends",
        "shared/kafka.py",
        "min(end.offset, kept.get(at, end.offset))",
        "end.offset",
        (f"{TAIL}what_a_leader_had_is_told_again_also_where_somebody_has_written_behind_what_is_left",),
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
        "a log that has lost its end is waited for",
        "shared/listening.py",
        'auto_offset_reset="none"',
        'auto_offset_reset="earliest"',
        (f"{CONSUMER}a_log_that_has_lost_its_end_is_not_read_again_from_its_beginning",),
    ),
    Guard(
        "a driver that has fallen silent is made anew",
        "shared/listening.py",
        "            await _ensure_nothing_waits(consumer)\n",
        "",
        (f"{CONSUMER}a_driver_that_has_fallen_silent_is_made_anew",),
    ),
    Guard(
        "what waits has killed no process",
        "shared/consumer.py",
        "        await _came_back(database, subscription, record)\n        if isinstance",
        "        if isinstance",
        (f"{CONSUMER}an_event_that_waits_in_one_process_after_the_other_has_killed_none_of_them",),
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
        "nothing is put behind a key whose replay is ending",
        "shared/inbox.py",
        " FOR KEY SHARE",
        "",
        (f"{REPLAYS}nothing_is_put_behind_a_key_whose_replay_is_just_ending",),
    ),
    Guard(
        "who comes while a key is replayed waits for it",
        "shared/replays.py",
        " LIMIT 1 FOR UPDATE",
        " LIMIT 1",
        (f"{REPLAYS}who_comes_while_a_key_is_replayed_waits_for_it",),
    ),
    Guard(
        "an ask for a replay outlives a death",
        "shared/replays.py",
        "> KILLS:",
        "> 1:",
        (f"{REPLAYS}an_ask_that_a_dead_process_had_begun_is_followed_by_the_next",),
    ),
    Guard(
        "a replay is put off by what passes, not given up",
        "shared/replays.py",
        "        return False\n    except Exception",
        "        return True\n    except Exception",
        (f"{REPLAYS}a_store_that_cannot_now_only_puts_a_replay_off",),
    ),
    Guard(
        "what came in disorder goes in its order",
        "shared/replays.py",
        "sorted(each, key=_version)",
        "each",
        (f"{REPLAYS}many_events_that_came_in_disorder_go_in_their_order_some_at_a_time",),
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
        "after a restore every event of the log goes out once more",
        "shared/recovery.py",
        "convert_to(body::text, 'UTF8') FROM gone",
        "convert_to(body::text, 'UTF8') FROM gone WHERE false",
        (RESTORE,),
    ),
    Guard(
        "after a restore the oldest event goes out first",
        "shared/recovery.py",
        "ORDER BY at DESC, version DESC, event_id DESC",
        "ORDER BY at, version, event_id",
        (RESTORE,),
    ),
    Guard(
        "after a restore no reader begins where it stood in topics that are gone",
        "shared/recovery.py",
        '"topic_ends", "consumer_positions", ',
        '"topic_ends", ',
        (RESTORE,),
    ),
    Guard(
        "after a restore a case that was open begins again",
        "shared/recovery.py",
        " WHERE NOT EXISTS (SELECT FROM outbox WHERE destination = 'temporal' AND key = $2 AND type = $3)",
        " WHERE $2 = $3",
        (RESTORE,),
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
        "an answer of the seal that comes while it is asked is heard",
        "workflows/sealing.py",
        "            seen = heard if workflow.patched(HEARS) else self._answered\n",
        "            seen = self._answered\n",
        (f"{SEALING}an_answer_that_comes_while_the_platform_is_asked_is_heard",),
    ),
    Guard(
        "a document that waits for weeks goes on as a new run",
        "workflows/sealing.py",
        "            if self._must_continue():\n",
        "            if False:\n",
        (f"{SEALING}a_document_that_waits_for_weeks_goes_on_as_new_by_its_own_clock_and_is_sealed",),
    ),
    Guard(
        "a mended application stays with its units",
        "workflows/approval.py",
        "        if mended.content.units != self.start.content.units:\n",
        "        if False:\n",
        (f"{APPROVAL}a_mended_application_stays_with_its_units",),
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
    Guard(
        "sign-in: an attempt counts as failed before it is compared",
        "services/identity/commands/proofs.py",
        "    await attempts.count(database, attempt)\n",
        "",
        (
            f"{SIGN_IN}guesses_side_by_side_are_no_more_than_guesses_in_turn",
            f"{SIGN_IN}five_failures_lock_a_name_whether_there_is_such_an_account_or_not_and_the_lock_ends_by_itself",
        ),
    ),
    Guard(
        "sign-in: names that nobody has are locked too",
        "services/identity/commands/proofs.py",
        "    await attempts.count(database, attempt)\n",
        "    if found:\n        await attempts.count(database, attempt)\n",
        (f"{SIGN_IN}five_failures_lock_a_name_whether_there_is_such_an_account_or_not_and_the_lock_ends_by_itself",),
    ),
    Guard(
        "sign-in: where there is no account a hash is compared all the same",
        "services/identity/commands/proofs.py",
        "if not await hashing.matches(found.password_hash if found else None, tried.password) or found is None:",
        "if found is None or not await hashing.matches(found.password_hash, tried.password):",
        (f"{SIGN_IN}an_unknown_account_costs_the_same_comparison",),
    ),
    Guard(
        "sign-in: a code works once",
        "services/identity/commands/proofs.py",
        "WHERE user_id = $1 AND step < $2 RETURNING true",
        "WHERE user_id = $1 RETURNING true",
        (
            f"{PASSWORDS}of_two_requests_with_one_code_one_gets_in",
            f"{PASSWORDS}the_code_that_set_it_up_does_not_sign_in_too",
        ),
    ),
    Guard(
        "sign-in: leaving the code out does not start the count anew",
        "services/identity/commands/proofs.py",
        "        await attempts.uncount(database, attempt)\n        raise CodeNeeded",
        "        async with database.transaction() as conn:\n            await attempts.forget(conn, attempt.mark)\n        raise CodeNeeded",
        (f"{PASSWORDS}guessing_codes_locks_and_leaving_the_code_out_does_not_start_the_count_anew",),
    ),
    Guard(
        "sign-in: a session with something to do first has no rights",
        "services/identity/api/sessions.py",
        "    if demands.any:\n",
        "    if False:\n",
        (f"{SIGN_IN}a_one_time_password_opens_a_session_in_which_nothing_but_a_new_password_is_allowed",),
    ),
    Guard(
        "sign-in: no page sets an administrator's password",
        "services/identity/commands/passwords.py",
        "            raise PasswordOfAdministrator\n",
        "            pass\n",
        (f"{PASSWORDS}nobody_sets_the_password_of_an_administrator_by_a_page",),
    ),
    Guard(
        "sessions: the one before a sign-in ends",
        "services/identity/commands/sessions.py",
        "    if what.replaced is not None:\n",
        "    if False:\n",
        (f"{SESSIONS}a_sign_in_gives_a_new_key_and_ends_the_session_before",),
    ),
    Guard(
        "sessions: another role gives another key",
        "services/identity/commands/sessions.py",
        'if row["version"] != row["rights_version"] and',
        "if False and",
        (f"{SESSIONS}another_role_gives_the_session_another_key_once_and_the_old_one_is_taken_for_a_moment_only",),
    ),
    Guard(
        "sessions: a password change ends the others and gives this one another key",
        "services/identity/commands/passwords.py",
        '    await conn.execute("UPDATE sessions SET key_hash = $2, previous_hash = NULL WHERE id = $1", what.keep, bytes.fromhex(what.key_hash))\n',
        "",
        (f"{SESSIONS}a_password_change_ends_every_other_session_and_a_stolen_cookie",),
    ),
    Guard(
        "sessions: their tokens are not renewed past them",
        "shared/auth.py",
        "before.session is not None or ",
        "",
        (f"{SESSIONS}a_sign_out_ends_the_session_on_the_server",),
    ),
    Guard(
        "sessions: nobody ends another's",
        "services/identity/commands/sessions.py",
        "u.name = $2 AND s.ended_at IS NULL",
        "$2 <> '' AND s.ended_at IS NULL",
        (f"{SESSIONS}a_user_sees_and_ends_his_own_sessions_and_nobody_elses",),
    ),
    *(
        Guard(f"provider: {name}", "services/identity/api/provider.py", old, new, tuple(f"{OIDC}{test}" for test in tests))
        for name, old, new, tests in (
            (
                "signatures that are taken",
                "algorithms=ALGORITHMS",
                'algorithms=["none", "HS256", *ALGORITHMS]',
                ("a_forged_answer_is_refused",),
            ),
            ("issuer", '"essential": True, "value": self._settings.issuer', '"essential": True', ("a_forged_answer_is_refused",)),
            ("audience", '"essential": True, "value": self._settings.client', '"essential": True', ("a_forged_answer_is_refused",)),
            ("nonce", '"nonce": nonce, ', "", ("a_forged_answer_is_refused",)),
            (
                "end",
                "            claims.validate(leeway=LEEWAY)\n",
                "            claims.validate(leeway=3600)\n",
                ("a_forged_answer_is_refused",),
            ),
            ("subject", '        if told.get("sub") != claims["sub"]:', "        if False:", ("a_forged_answer_is_refused",)),
            (
                "state",
                "not hmac.compare_digest(begun.state.encode(), state.encode()) or ",
                "",
                ("a_code_that_was_stolen_on_its_way_is_worth_nothing_without_what_this_browser_kept",),
            ),
            (
                "verifier",
                '"code_verifier": verifier}',
                '"code_verifier": "x" * 43}',
                ("whom_the_provider_vouches_for_is_signed_in_and_goes_where_he_wanted",),
            ),
            (
                "its own name",
                'if found.get("issuer") != self._settings.issuer:',
                "if False:",
                ("a_provider_that_calls_itself_by_another_name_is_refused",),
            ),
        )
    ),
    Guard(
        "live: events end with the session",
        "services/portal/api/passing.py",
        "            if not await page.goes_on():\n                return\n",
        "",
        (f"{PASSING}events_end_with_the_session_and_go_on_when_identity_is_away",),
    ),
    Guard(
        "live: what nobody reads is closed",
        "services/portal/api/passing.py",
        "        async with self._opened:\n            await super()",
        "        if True:\n            await super()",
        (f"{PASSING}what_nobody_reads_is_closed_all_the_same",),
    ),
    Guard(
        "live: nobody hears of a unit outside of his own",
        "services/monitoring/queries/board.py",
        "WHERE {visible(who)} AND c.id > $2",
        "WHERE ($1::uuid[] IS NULL OR true) AND c.id > $2",
        ("tests/monitoring/test_board.py::test_what_has_turned_is_told_once_and_to_those_who_may_see_the_unit",),
    ),
    Guard(
        "what was forked ends with its supervisor",
        "deploy/local/read_before.py",
        "end_with_parent(signal.SIGKILL, os.getppid())()\n",
        "",
        ("tests/deploy/test_supervisor.py::test_a_supervisor_killed_outright_takes_its_parts_along_and_the_next_start_finds_all_data",),
    ),
)
