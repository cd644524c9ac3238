-- A writer that uses the whole minute for an hour must not keep the others from reading: each priority is assured of a part of the minute.
ALTER TABLE quota_draws ADD COLUMN priority smallint NOT NULL DEFAULT 0;      -- who drew: 0 write, 1 look-up, 2 poll, 3 history
DROP FUNCTION draw_call(text, integer, float8);
-- As before, and: while a priority has drawn less of the last minute than its assured part, it keeps nothing back for the more urgent.
CREATE FUNCTION draw_call(pool text, per_minute integer, kept_back float8, by_priority integer, assured float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE shared quota_pools; moment timestamptz; share integer; allowed integer; pace float8; level float8; free_at timestamptz; own integer; BEGIN
  INSERT INTO quota_pools(name) VALUES (pool) ON CONFLICT DO NOTHING;
  SELECT * INTO shared FROM quota_pools WHERE name=pool FOR UPDATE;
  moment:=clock_timestamp();
  share:=least(per_minute, shared.room);
  allowed:=greatest(1, floor(share*(1-kept_back)));
  IF allowed<share AND assured>0 THEN
    SELECT count(*) INTO own FROM quota_draws WHERE name=pool AND priority=by_priority AND at>moment-interval '61 seconds';
    IF own<floor(share*assured) THEN allowed:=share; END IF;
  END IF;
  SELECT at+interval '61 seconds' INTO free_at FROM quota_draws WHERE name=pool AND number=shared.drawn+1-allowed;
  pace:=1.1*share/60;
  level:=least(greatest(1, share/2), shared.tokens+pace*extract(epoch FROM moment-shared.filled_at));
  free_at:=greatest(free_at, shared.blocked_until, moment+make_interval(secs=>(1-level)/pace));
  IF free_at>moment THEN RETURN extract(epoch FROM free_at-moment); END IF;
  UPDATE quota_pools SET drawn=shared.drawn+1, tokens=level-1, filled_at=moment WHERE name=pool;
  INSERT INTO quota_draws VALUES (pool, shared.drawn+1, moment, by_priority);
  DELETE FROM quota_draws WHERE name=pool AND number<=shared.drawn+1-per_minute;
  RETURN 0; END $$;
