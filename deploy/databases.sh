#!/bin/sh
# Makes Dagster's database, one for each of $ACCOUNTS, and one login per duty. The Postgres image runs it when the volume is new;
# run it again after an account joined or a password changed: what is there stays, and each password becomes today's.
set -eu

sql() {
	psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres "$@"
}

# Passwords go by the environment, so that no list of processes shows them.
password_of() {
	printenv "$(echo "$1_$2_PASSWORD" | tr '[:lower:]' '[:upper:]')"
}

sql <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv dagster_password DAGSTER_PASSWORD
SELECT format('CREATE ROLE %I NOLOGIN', duty) FROM unnest(ARRAY['returns_pipeline', 'returns_dagster', 'returns_reader', 'returns_hints']) AS duty
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = duty) \gexec
SELECT format('CREATE ROLE %I LOGIN', login) FROM unnest(ARRAY['returns_owner', 'dagster']) AS login
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec
ALTER ROLE returns_owner PASSWORD :'owner_password';
ALTER ROLE dagster PASSWORD :'dagster_password';
SELECT 'CREATE DATABASE dagster OWNER dagster' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'dagster') \gexec
REVOKE ALL ON DATABASE dagster FROM PUBLIC;
SQL

for account in $ACCOUNTS; do
	PIPELINE_PASSWORD=$(password_of "$account" pipeline)
	HINTS_PASSWORD=$(password_of "$account" hints)
	REPORTS_PASSWORD=$(password_of "$account" reports)
	export PIPELINE_PASSWORD HINTS_PASSWORD REPORTS_PASSWORD
	sql --set=account="$account" <<'SQL'
\getenv pipeline_password PIPELINE_PASSWORD
\getenv hints_password HINTS_PASSWORD
\getenv reports_password REPORTS_PASSWORD
\set pipeline :account _pipeline
\set hints :account _hints
\set reports :account _reports
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, duty)
  FROM (VALUES (:'pipeline', 'returns_pipeline'), (:'hints', 'returns_hints'), (:'reports', 'returns_reader')) AS wanted(login, duty)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec
ALTER ROLE :"pipeline" PASSWORD :'pipeline_password';
ALTER ROLE :"hints" PASSWORD :'hints_password';
ALTER ROLE :"reports" PASSWORD :'reports_password';
SELECT format('CREATE DATABASE %I OWNER returns_owner', :'account')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'account') \gexec
-- A duty's rights hold in every account's database; who may enter one is said here.
REVOKE ALL ON DATABASE :"account" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"account" TO :"hints", :"reports";
GRANT CONNECT, TEMPORARY ON DATABASE :"account" TO :"pipeline";
SQL
done
