-- How the pipeline itself stands: cursors, quota, gates' neighbours, exceptions, checks and heartbeats.

CREATE TABLE cursors(name text NOT NULL, shop text NOT NULL DEFAULT '', value text NOT NULL, run_id text NOT NULL, moved_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, shop));

CREATE TABLE api_calls(                       -- one row per api, shop, hour, path, status and priority (0 write, 1 look-up, 2 poll, 3 history): what calls cost
  api text NOT NULL, shop text NOT NULL DEFAULT '', hour timestamptz NOT NULL, method text NOT NULL, path_template text NOT NULL, http_status integer NOT NULL,
  calls bigint NOT NULL, milliseconds bigint NOT NULL, least_remaining integer, priority smallint NOT NULL DEFAULT 2,
  PRIMARY KEY (api, shop, hour, method, path_template, http_status, priority));

CREATE TABLE quota_days(                      -- ReturnGo's day of each key as last planned, one row per purpose; beside the view api_usage
  api_key text NOT NULL, purpose text NOT NULL, shops text[] NOT NULL, used bigint NOT NULL, usual bigint NOT NULL, due bigint NOT NULL, may_take bigint NOT NULL,
  allowed bigint NOT NULL, asks_every_minutes integer, state text NOT NULL CHECK (state IN ('ok','warn','bad')), message text NOT NULL,
  planned_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (api_key, purpose));

-- The calls of an account's minute, shared by every process that calls it. `room` is what other apps leave us of our share, NULL for all of it.
CREATE TABLE quota_pools(name text PRIMARY KEY, drawn bigint NOT NULL DEFAULT 0, room integer CHECK (room>0), blocked_until timestamptz,
  tokens float8 NOT NULL DEFAULT 'infinity', filled_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE quota_draws(name text NOT NULL, number bigint NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (name, number));   -- at least those of the last minute
-- Counts a call that may be made now and answers 0, or answers how many seconds to wait before asking again. Two rules:
-- no rolling minute holds more than our share: what was drawn `allowed` calls ago is a minute old, and a second for calls that are longer under way;
-- beyond a half of it at once it is spent evenly, a little faster so that the half grows again: a writer's pauses are made up for, and the minute is not
-- spent before answers could tell what a neighbour takes.
CREATE FUNCTION draw_call(pool text, per_minute integer, kept_back float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE shared quota_pools; moment timestamptz; share integer; allowed integer; pace float8; level float8; free_at timestamptz; BEGIN
  INSERT INTO quota_pools(name) VALUES (pool) ON CONFLICT DO NOTHING;
  SELECT * INTO shared FROM quota_pools WHERE name=pool FOR UPDATE;
  moment:=clock_timestamp();
  share:=least(per_minute, shared.room);
  allowed:=greatest(1, floor(share*(1-kept_back)));
  SELECT at+interval '61 seconds' INTO free_at FROM quota_draws WHERE name=pool AND number=shared.drawn+1-allowed;
  pace:=1.1*share/60;
  level:=least(greatest(1, share/2), shared.tokens+pace*extract(epoch FROM moment-shared.filled_at));
  free_at:=greatest(free_at, shared.blocked_until, moment+make_interval(secs=>(1-level)/pace));
  IF free_at>moment THEN RETURN extract(epoch FROM free_at-moment); END IF;
  UPDATE quota_pools SET drawn=shared.drawn+1, tokens=level-1, filled_at=moment WHERE name=pool;
  INSERT INTO quota_draws VALUES (pool, shared.drawn+1, moment);
  DELETE FROM quota_draws WHERE name=pool AND number<=shared.drawn+1-per_minute;
  RETURN 0; END $$;
-- What the account's own count leaves us: what it says is left beyond the reserve, and what we used of this minute ourselves.
CREATE FUNCTION note_left(pool text, per_minute integer, left_over integer, blocked_for float8) RETURNS void LANGUAGE plpgsql AS $$
DECLARE found_room integer; BEGIN
  IF left_over<per_minute THEN
    SELECT nullif(least(per_minute, greatest(1, left_over+count(*))), per_minute) INTO found_room
      FROM quota_draws WHERE name=pool AND at>clock_timestamp()-interval '60 seconds'; END IF;
  UPDATE quota_pools SET room=found_room, blocked_until=greatest(blocked_until, clock_timestamp()+make_interval(secs=>blocked_for))
    WHERE name=pool AND (room IS DISTINCT FROM found_room OR blocked_for IS NOT NULL); END $$;

CREATE TABLE account_facts(                   -- what an account said about itself: warehouses' locations, statuses, installation id
  name text PRIMARY KEY, value jsonb NOT NULL, read_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE exceptions(
  exception_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code text NOT NULL, subject_type text NOT NULL, subject_id text NOT NULL, shop text NOT NULL,
  stage text NOT NULL, owner text NOT NULL, severity text NOT NULL, state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','acknowledged','resolved','waived')),
  rma_id bigint, money_minor bigint, currency text, expected text, found text, suggestion text, cause text NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(), closed_at timestamptz, closed_by text,
  due_at timestamptz, announced_at timestamptz, escalated_at timestamptz, times_reopened integer NOT NULL DEFAULT 0,
  UNIQUE (code, subject_type, subject_id, shop));       -- two shops may have the same SKU
CREATE INDEX exceptions_open_by_stage ON exceptions(stage, shop) WHERE state IN ('open','acknowledged');
CREATE INDEX exceptions_rma ON exceptions(rma_id);
CREATE TABLE exception_history(
  exception_id bigint NOT NULL REFERENCES exceptions, at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL, actor text NOT NULL, note text, expected text, found text);
CREATE INDEX exception_history_of ON exception_history(exception_id, at);

CREATE TABLE operator_decisions(              -- what a person decided about one subject; read by match and decide
  decision_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, action text NOT NULL, shop text NOT NULL, subject_type text NOT NULL, subject_id text NOT NULL,
  rma_id bigint, value jsonb NOT NULL DEFAULT '{}', reason text NOT NULL, decided_by text NOT NULL, second_approver text, os_user text,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), revoked_at timestamptz);
CREATE INDEX operator_decisions_rma ON operator_decisions(rma_id);
CREATE INDEX operator_decisions_sku ON operator_decisions(decision_id) WHERE rma_id IS NULL OR subject_type='sku';
CREATE INDEX operator_decisions_subject ON operator_decisions(subject_type, subject_id) WHERE revoked_at IS NULL;

CREATE TABLE check_results(
  check_name text NOT NULL, asset_key text NOT NULL, shop text NOT NULL DEFAULT '', run_id text NOT NULL, passed boolean NOT NULL, severity text NOT NULL, is_blocking boolean NOT NULL,
  rows_checked bigint NOT NULL, violations bigint NOT NULL, detail jsonb NOT NULL DEFAULT '{}', at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX check_results_newest ON check_results(asset_key, check_name, at DESC);

CREATE TABLE heartbeats(                      -- beat_at is null for a part that was never heard; its silence counts from awaited_since
  name text PRIMARY KEY, kind text NOT NULL, expected_every_seconds integer NOT NULL, awaited_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  beat_at timestamptz, note text);

CREATE TABLE alert_outbox(
  alert_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, channel text NOT NULL, cause text NOT NULL, body jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  not_before timestamptz NOT NULL DEFAULT clock_timestamp(), attempts integer NOT NULL DEFAULT 0, sent_at timestamptz, last_error text,
  once text, UNIQUE (channel, once));         -- once: a word that is used one time only, such as the digest of a day
CREATE INDEX alert_outbox_due ON alert_outbox(channel, alert_id) WHERE sent_at IS NULL;
CREATE INDEX alert_outbox_cause ON alert_outbox(cause, created_at);

CREATE TABLE operations_health(
  measure text NOT NULL, shop text NOT NULL DEFAULT '', value numeric, unit text NOT NULL, state text NOT NULL CHECK (state IN ('ok','warn','bad')), message text NOT NULL,
  measured_at timestamptz NOT NULL, PRIMARY KEY (measure, shop));

CREATE TABLE hints(                           -- what webhooks said may have moved: a reason to look earlier, never a fact
  hint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sender text NOT NULL CHECK (sender IN ('brightpearl','returngo')), shop text NOT NULL DEFAULT '',
  subject text NOT NULL CHECK (subject IN ('goods_in','order','rma','unreadable')), subject_id bigint NOT NULL,
  noted_at timestamptz NOT NULL DEFAULT clock_timestamp(), taken_at timestamptz, led_to_look boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX hints_waiting ON hints(sender, shop, subject, subject_id) WHERE taken_at IS NULL;
CREATE INDEX hints_taken ON hints(taken_at);
