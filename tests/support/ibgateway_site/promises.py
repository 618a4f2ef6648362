"""What is promised, with the tests that hold it: docs/tested.md is made of it, with the limits and the figures that were measured last."""

from typing import Final, NamedTuple


class Promise(NamedTuple):
    """One behaviour.

    `tests` are FILE::NAME below tests/. `seconds`: the longest that the test waits for it; a test says that the number stands
    in the source. `figure` is (file of docs/performance, name of the figure): its aim is the limit then.
    """

    what: str
    tests: tuple[str, ...]
    seconds: int | None = None
    figure: tuple[str, str] | None = None


class Group(NamedTuple):
    """Promises about one thing."""

    title: str
    promises: tuple[Promise, ...]


GROUPS: Final = (
    Group(
        "Login and gate",
        (
            Promise(
                "Readiness is proof: while a push waits the executor's pod is not Ready",
                ("e2e/test_story.py::test_the_executor_is_not_ready_while_the_push_waits",),
                seconds=240,
            ),
            Promise(
                "Approved, the executor's pod is Ready",
                ("e2e/test_story.py::test_an_approval_makes_it_ready",),
                figure=("latency", "push approved to executor pod Ready, p95"),
            ),
            Promise(
                "A session that a person takes closes the gate, on the cluster",
                ("e2e/test_story.py::test_a_session_taken_by_a_person_closes_the_gate",),
                figure=("latency", "session kicked to not Ready, p95"),
            ),
            Promise(
                "The executor follows a kick",
                (
                    "wiring/test_executor_with_simulator.py::test_a_kicked_session_holds_an_order_until_it_is_free_and_fills_it_once",
                ),
                figure=("gate", "kick, executor, p95"),
            ),
            Promise(
                "A lost link closes the gate before the sentinel has said so",
                (
                    "wiring/test_executor_with_simulator.py::test_a_lost_link_closes_the_gate_before_the_sentinel_has_said_so",
                ),
                figure=("gate", "connection lost, executor, p95"),
            ),
            Promise(
                "It opens when the link is back, without a login",
                (
                    "wiring/test_sentinel_with_simulator.py::test_a_short_loss_of_the_link_is_ridden_out",
                ),
                figure=("gate", "connection back, executor, p95"),
            ),
            Promise(
                "Silence of the sentinel closes the gate",
                (
                    "wiring/test_executor_with_simulator.py::test_silence_of_the_sentinel_closes_the_gate",
                ),
            ),
            Promise(
                "An unexpected account, a read-only API and a wrong clock keep it closed and say why",
                (
                    "wiring/test_executor_crashes.py::test_a_live_executor_closes_its_gate_on_a_paper_login",
                    "wiring/test_executor_with_simulator.py::test_a_read_only_gateway_keeps_the_gate_closed_and_says_why",
                    "wiring/test_executor_with_simulator.py::test_a_clock_that_differs_from_ibkrs_closes_the_gate",
                ),
            ),
            Promise(
                "A handshake alone is no login",
                ("unit/sentinel/test_monitor.py::test_a_handshake_alone_is_no_login",),
            ),
        ),
    ),
    Group(
        "Pushes",
        (
            Promise(
                "A killed gateway does not log in without a permit",
                ("e2e/test_story.py::test_a_killed_gateway_does_not_log_in_without_a_permit",),
                seconds=45,
            ),
            Promise(
                "A push that nobody approves is missed, and none follows beyond the budget",
                (
                    "stories/test_unanswered_pushes.py::test_a_push_that_nobody_approves_is_missed_and_followed_by_none",
                ),
            ),
            Promise(
                "Two pushes never wait at once for one person",
                ("e2e/test_one_person.py::test_the_second_push_waits_for_its_turn",),
            ),
            Promise(
                "A wrong password is tried once",
                ("e2e/test_manual_login.py::test_a_wrong_password_is_tried_once_and_not_again",),
            ),
            Promise(
                "A sentinel that is killed at any moment gives no second permit",
                ("stories/test_killed_sentinel.py::test_of_all_that_ibkr_has_seen_one_login",),
            ),
            Promise(
                "A request costs one push, whoever asks twice",
                (
                    "wiring/test_sentinel_with_simulator.py::test_a_restart_request_costs_exactly_one_push",
                ),
            ),
            Promise(
                "A login that a person has for themselves comes back without a push",
                ("e2e/test_one_person.py::test_its_return_costs_no_push_and_the_order_fills_once",),
            ),
        ),
    ),
    Group(
        "Sundays and nights",
        (
            Promise(
                "The weekly window costs one restart and one push",
                ("e2e/test_story.py::test_the_weekly_window_costs_one_restart_and_one_push",),
                seconds=300,
            ),
            Promise(
                "The same whenever the operator is killed in it",
                (
                    "stories/test_killed_operator.py::test_one_restart_and_one_push_whenever_the_operator_is_killed",
                ),
            ),
            Promise(
                "Ten years of Sundays: no order inside a window, one push a week",
                ("wiring/test_ten_years_of_sundays.py::test_ten_years_of_sundays",),
            ),
            Promise(
                "A restart time that is edited into the past asks, and pushes nobody",
                (
                    "wiring/test_edited_restart.py::test_a_time_edited_into_the_past_asks_and_goes_by_itself_the_next_sunday",
                ),
            ),
            Promise(
                "Trading is held before the nightly restart",
                (
                    "stories/test_restarts_by_token.py::test_trading_is_held_before_the_nightly_restart",
                ),
                figure=("gate", "nightly restart, executor, p95"),
            ),
            Promise(
                "The nightly restart logs in by token, without a push",
                (
                    "stories/test_restarts_by_token.py::test_the_nightly_restart_logs_in_by_token_and_the_order_fills_once",
                ),
            ),
            Promise(
                "A token that has died costs one push by budget",
                (
                    "wiring/test_sentinel_with_simulator.py::test_a_dead_token_costs_one_push_by_budget",
                ),
                figure=("gate", "expired token, executor, p95"),
            ),
        ),
    ),
    Group(
        "Orders",
        (
            Promise(
                "An order through the Service fills exactly once",
                ("e2e/test_story.py::test_an_order_through_the_service_fills_exactly_once",),
            ),
            Promise(
                "An order while a person has the session is accepted, waits, and fills once afterwards",
                (
                    "e2e/test_story.py::test_an_order_meanwhile_is_accepted_and_waits",
                    "e2e/test_story.py::test_it_fills_once_when_the_session_is_free_again",
                ),
                seconds=60,
            ),
            Promise(
                "A restart of the executor loses and repeats nothing",
                ("e2e/test_story.py::test_a_restart_of_the_executor_loses_and_repeats_nothing",),
                seconds=180,
            ),
            Promise(
                "Killed at any place of the way, in any store, an order is neither lost nor sent twice",
                (
                    "wiring/test_crash_campaign.py",
                    "wiring/test_crash_mutants.py",
                    "wiring/test_crashes_of_a_day.py",
                ),
            ),
            Promise(
                "Stored means on disk: what was confirmed outlives a power loss",
                ("wiring/test_power_loss.py::test_rows_that_were_synced_survive_and_no_others",),
            ),
            Promise(
                "What is being stored is answered soon, one client",
                ("wiring/test_executor_under_load.py",),
                figure=("intake", "p99 beyond the bare one, 1 client"),
            ),
            Promise(
                "Orders leave at the pace that IBKR allows",
                ("wiring/test_executor_under_load.py",),
                figure=("sending", "orders a second with 3,000 stored"),
            ),
            Promise(
                "With 20,000 orders that wait the first leaves soon after the gate has opened",
                ("wiring/test_executor_under_load.py",),
                figure=("sending", "gate opens with 20,000 waiting: first order"),
            ),
            Promise(
                "The order on its way is acknowledged before a planned stop",
                (
                    "wiring/test_drain_before_a_stop.py::test_the_order_on_its_way_is_acknowledged_before_the_gateway_logs_out",
                ),
            ),
            Promise(
                "A lost order is parked and stays so",
                (
                    "wiring/test_executor_resend.py::test_by_default_a_lost_order_is_parked_and_stays_so",
                ),
            ),
            Promise(
                "A rebalance goes on after a kill and places nothing twice",
                (
                    "wiring/test_executor_rebalance.py::test_a_rebalance_goes_on_after_a_kill_and_places_nothing_twice",
                ),
            ),
            Promise(
                "Orders for one contract go in their order, however each of them names it",
                (
                    "unit/executor/test_named_orders.py",
                    "wiring/test_executor_order_types.py::test_two_names_of_one_contract_keep_the_order_of_their_orders",
                ),
            ),
            Promise(
                "An order for the opening auction leaves before it, is executed in it, and never leaves after its cut-off",
                (
                    "wiring/test_executor_order_types.py::test_orders_for_the_opening_auction_leave_before_it_and_are_executed_in_it",
                    "wiring/test_executor_order_types.py::test_too_late_for_the_opening_auction_nothing_leaves",
                    "wiring/test_client_libraries.py::test_an_order_on_open_is_taken_before_the_open_executed_in_it_and_refused_after_it",
                ),
            ),
            Promise(
                "A pause sends nothing, also after a restart",
                (
                    "wiring/test_executor_with_simulator.py::test_a_pause_sends_nothing_and_cancels_go_on_also_after_a_restart",
                ),
            ),
        ),
    ),
    Group(
        "The ledger",
        (
            Promise(
                "What was sent after the copy that is put back is not sent again",
                (
                    "e2e/test_kept_copies.py::test_what_was_sent_after_the_copy_that_is_put_back_is_not_sent_again",
                ),
            ),
            Promise(
                "The volume is lost: the newest copy has the orders",
                (
                    "e2e/test_kept_copies.py::test_the_volume_is_lost_and_the_newest_copy_has_the_orders",
                ),
            ),
            Promise(
                "A full volume refuses orders, ends nothing, and goes on once there is room",
                ("wiring/test_executor_full_disk.py::test_a_small_volume_fills_up",),
            ),
            Promise(
                "PostgreSQL fails over: each order that was taken is kept",
                (
                    "e2e/test_database_failover.py::test_killed_while_orders_come_it_keeps_each_that_it_has_taken",
                ),
            ),
            Promise(
                "A second executor on the same ledger waits",
                ("wiring/test_second_executor.py::test_it_waits_and_goes_on_after_the_first",),
            ),
        ),
    ),
    Group(
        "The operator",
        (
            Promise(
                "A quiet minute costs no write",
                ("e2e/test_story.py::test_a_quiet_minute_costs_no_write",),
                figure=("operator", "writes in 60 quiet seconds"),
            ),
            Promise(
                "An operator that starts again writes nothing and closes no gate",
                (
                    "apiserver/test_many_gateways.py::test_an_operator_that_starts_again_writes_nothing_and_closes_no_gate",
                ),
                figure=("operator", "restart: gates closed"),
            ),
            Promise(
                "Killed, the one that stands by works",
                ("wiring/test_operator_hands_over.py",),
                figure=("operator", "killed with one standing by: works again"),
            ),
            Promise(
                "A status that nobody keeps says so",
                (
                    "apiserver/test_many_gateways.py::test_a_status_that_nobody_keeps_says_so_for_every_gateway",
                ),
            ),
            Promise(
                "What somebody edits is put right, what somebody deletes comes back",
                (
                    "apiserver/test_operator_children.py::test_what_somebody_edits_is_put_right",
                    "apiserver/test_operator_children.py::test_what_somebody_deletes_comes_back",
                ),
                figure=("operator", "spec edit to child, p99"),
            ),
            Promise(
                "An upgrade of the operator replaces nothing that trades",
                (
                    "stories/test_login_left_alone.py::test_an_operator_of_another_version_replaces_the_console_and_nothing_that_trades",
                ),
            ),
            Promise(
                "An upgrade from the earlier charts restarts no gateway and no executor",
                (
                    "e2e/test_chart_upgrade.py::test_the_upgrade_restarts_no_gateway_and_no_executor",
                ),
            ),
            Promise(
                "Helm 3 and Helm 4 render the same, and Kubernetes 1.31 to 1.37 know every field of it",
                (
                    "chart/test_charts_judged.py::test_helm_3_and_helm_4_render_the_same",
                    "chart/test_charts_judged.py::test_kubeconform_takes_everything_in_each_kubernetes_version",
                ),
            ),
            Promise(
                "One commit gives one chart package, byte for byte",
                ("chart/test_charts_judged.py::test_one_commit_gives_one_package",),
            ),
            Promise(
                "A missing Secret or key is named, and nothing starts",
                (
                    "e2e/test_story.py::test_a_missing_secret_is_named_and_starts_nothing",
                    "e2e/test_story.py::test_a_missing_key_is_named_too",
                ),
                seconds=120,
            ),
            Promise(
                "Deleted while the operator is away, only the volumes stay",
                (
                    "e2e/test_story.py::test_a_delete_with_the_operator_away_leaves_only_the_volumes",
                ),
                seconds=240,
            ),
            Promise(
                "A drained node and a rebooted one cost no push",
                (
                    "faults/test_cluster_upkeep.py::test_taken_back_it_logs_in_on_the_other_node_by_its_token",
                    "faults/test_cluster_upkeep.py::test_a_volume_that_stays_waits_with_its_token_for_the_reboot_of_its_node",
                ),
            ),
        ),
    ),
    Group(
        "People, the window, secrets",
        (
            Promise(
                "A newcomer gets to the end of the quickstart, by its commands as they stand",
                ("e2e/test_quickstart.py::test_a_newcomer_gets_to_the_end",),
                seconds=60,
            ),
            Promise(
                "A push is told to everybody",
                (
                    "wiring/test_people_are_told.py::test_a_push_is_told_to_everybody_and_so_is_the_login",
                ),
                figure=("messages", "push to message, p95"),
            ),
            Promise(
                "Receivers that hang hold up neither the others nor the login",
                (
                    "wiring/test_people_are_told.py::test_receivers_that_hang_or_refuse_hold_up_neither_the_others_nor_the_login",
                ),
            ),
            Promise(
                "Login by hand in the browser",
                ("e2e/test_manual_login.py::test_typing_the_password_and_clicking_log_in_logs_in",),
            ),
            Promise(
                "No secret is to be read anywhere: log, Event, status, answer",
                ("e2e/test_story.py::test_no_secret_is_to_be_read_anywhere",),
            ),
            Promise(
                "The operator has exactly the rights that it uses",
                (
                    "chart/test_operator_rights.py::test_the_operator_has_exactly_the_rights_it_uses",
                ),
            ),
            Promise(
                "From opening the console to the gateway's picture",
                ("wiring/test_console_browser.py::test_a_person_sees_the_window_types_and_clicks",),
                figure=("console", "first picture, p95"),
            ),
            Promise(
                "One login that is asked for at the console sends one push, and a slip of the finger none",
                (
                    "wiring/test_console_buttons.py::test_one_login_is_asked_for_without_a_screen_and_sends_one_push",
                    "unit/sentinel/test_console_requests.py::test_a_finger_that_slips_sends_one_push",
                ),
            ),
            Promise(
                "The console is used with keys alone, on a phone, and read in light and dark (WCAG AA)",
                (
                    "wiring/test_console_hands.py::test_everything_is_reached_by_keys_and_the_screen_is_left_by_a_chord",
                    "wiring/test_console_hands.py::test_on_a_phone_the_screen_fits_and_zooms_and_a_finger_moves_it",
                    "wiring/test_console_status.py::test_every_text_can_be_read_on_a_wide_screen_and_on_a_phone",
                ),
            ),
            Promise(
                "Guessing the VNC password is stopped after five",
                (
                    "wiring/test_console_browser.py::test_guessing_is_stopped_after_five_wrong_passwords",
                ),
            ),
            Promise(
                "A page of another origin can't open the window's bridge",
                (
                    "wiring/test_console_browser.py::test_a_page_of_another_origin_cannot_open_the_bridge",
                ),
            ),
        ),
    ),
    Group(
        "A program of one's own",
        (
            Promise(
                "In the executor's place it is held back while the push waits, ended on Sunday and started after, and sends nothing while the gate is closed",
                (
                    "wiring/test_own_program.py::test_it_starts_with_the_gate_and_drains_before_sunday_ends_it",
                ),
            ),
            Promise(
                "A lost connection does not end it",
                ("unit/operator/test_program_in_place.py::test_a_lost_connection_leaves_it",),
            ),
            Promise(
                "The executor takes its place back, in the window or on request, once the program has drained",
                (
                    "unit/operator/test_switches.py::test_from_theirs_to_ours_the_program_stays_whole_too",
                ),
            ),
            Promise(
                "An executor that gives way to it drains first, with the limits that it had",
                (
                    "unit/operator/test_switches.py::test_from_ours_to_theirs_in_the_window_or_on_request_once_drained",
                    "unit/operator/test_switches.py::test_meanwhile_it_has_the_limits_that_it_had_and_is_told_of_holds",
                ),
            ),
            Promise(
                "Nobody asks it anything, and it is shown no token but its own",
                (
                    "unit/operator/test_program_in_place.py::test_nobody_asks_a_program_anything",
                    "unit/cli/test_own_program.py::test_a_program_that_is_to_give_way_is_shown_no_token",
                ),
            ),
        ),
    ),
    Group(
        "kubectl ibgateway",
        (
            Promise(
                "A login beside an open gate is refused and pushes nobody, and nothing is asked for where nobody can say yes",
                (
                    "e2e/test_plugin.py::test_a_login_beside_an_open_gate_is_refused_and_pushes_nobody",
                    "e2e/test_plugin.py::test_nothing_is_asked_for_where_nobody_can_say_yes",
                ),
            ),
            Promise(
                "A login that is asked for sends one push and ends with its approval",
                (
                    "e2e/test_plugin.py::test_a_login_is_asked_for_with_one_push_and_ends_with_its_approval",
                ),
            ),
            Promise(
                "A restart in the week, and a handover and its end, cost no push",
                (
                    "e2e/test_plugin.py::test_a_restart_in_the_week_costs_no_push",
                    "e2e/test_plugin.py::test_a_handover_frees_the_login_and_its_end_brings_it_back_without_a_push",
                ),
            ),
            Promise(
                "A report holds no value of a Secret and no account id",
                (
                    "e2e/test_plugin.py::test_a_report_holds_no_secret_and_no_account",
                    "unit/cli/test_report.py::test_no_secret_and_no_account_is_in_it",
                ),
            ),
            Promise(
                "A context that another terminal makes current while a question stands is not taken",
                (
                    "chart/test_plugin_contexts.py::test_a_yes_is_for_the_context_that_was_asked_about",
                    "wiring/test_plugin_process.py::test_a_context_that_another_terminal_makes_current_is_not_taken",
                ),
            ),
            Promise(
                "A gateway that is being deleted is asked for nothing and given no orders",
                (
                    "unit/cli/test_deletion.py::test_nothing_is_asked_of_it",
                    "unit/cli/test_deletion.py::test_what_ends_while_a_question_stands_is_asked_for_nothing",
                ),
            ),
            Promise(
                "An order or a rebalance whose end can't be seen is told as stored, with its id",
                (
                    "unit/cli/test_order_command.py::test_an_order_whose_end_cannot_be_seen_is_stored_and_has_its_id",
                    "unit/cli/test_rebalance_command.py::test_a_rebalance_whose_end_cannot_be_seen_is_stored_and_has_its_id",
                ),
            ),
            Promise(
                "After a lost answer a 401, 408 or half a request is no word about what is stored",
                (
                    "unit/cli/test_order_command.py::test_what_is_said_before_the_key_is_looked_at_does_not_say_that_nothing_is_stored",
                ),
            ),
            Promise(
                "A request for a push whose answer is lost is no plain failure, and an API server that is away meanwhile is waited for",
                (
                    "unit/cli/test_login.py::test_a_write_whose_answer_is_lost_may_have_been_asked_for",
                    "unit/cli/test_login.py::test_an_api_server_that_is_away_while_a_push_waits_is_waited_for",
                ),
            ),
            Promise(
                "A question says PAPER or LIVE, the namespace and the gateway",
                (
                    "unit/cli/test_login.py::test_a_question_says_whose_gateway_it_is_and_whether_it_is_live",
                ),
            ),
            Promise(
                "The key of a rebalance whose answer was lost follows it, and starts no second one",
                (
                    "wiring/test_plugin_orders.py::test_another_rebalance_is_named_and_its_key_follows_it_and_doubles_nothing",
                ),
            ),
        ),
    ),
)
