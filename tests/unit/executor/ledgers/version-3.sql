BEGIN TRANSACTION;
CREATE TABLE facts (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('trading-mode','paper');
INSERT INTO "facts" VALUES('schema-version','3');
INSERT INTO "facts" VALUES('highest-order-id','7');
CREATE TABLE jobs (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	id VARCHAR NOT NULL,
	idempotency_key VARCHAR NOT NULL,
	request_hash VARCHAR NOT NULL,
	account VARCHAR NOT NULL,
	con_id INTEGER NOT NULL,
	symbol VARCHAR NOT NULL,
	sec_type VARCHAR NOT NULL,
	exchange VARCHAR NOT NULL,
	currency VARCHAR NOT NULL,
	primary_exchange VARCHAR NOT NULL,
	side VARCHAR NOT NULL,
	quantity INTEGER NOT NULL,
	order_type VARCHAR NOT NULL,
	limit_price VARCHAR,
	time_in_force VARCHAR NOT NULL,
	accepted_at VARCHAR NOT NULL,
	valid_until VARCHAR NOT NULL,
	valid_by_default BOOLEAN NOT NULL,
	state VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	message VARCHAR NOT NULL,
	order_ref VARCHAR NOT NULL,
	client_id INTEGER NOT NULL,
	order_id INTEGER NOT NULL,
	perm_id INTEGER NOT NULL,
	sent_at VARCHAR,
	filled VARCHAR NOT NULL,
	average_price VARCHAR,
	cancel_requested BOOLEAN NOT NULL,
	updated_at VARCHAR NOT NULL,
	broker_message VARCHAR DEFAULT '' NOT NULL,
	resolution VARCHAR DEFAULT '' NOT NULL,
	note VARCHAR DEFAULT '' NOT NULL,
	UNIQUE (id),
	UNIQUE (idempotency_key),
	UNIQUE (order_ref)
);
INSERT INTO "jobs" VALUES(3,'a','a','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','SELL',10,'LMT','190.2500','GTC','2026-11-23T17:00:00.000000+00:00','2026-11-23T21:00:00.000000+00:00',0,'Working','','','ibg-a',17,7,5,'2026-11-23T17:00:00.000000+00:00','4','190.3',0,'2026-11-23T17:00:00.000000+00:00','201: no','giveUp','not in TWS');
CREATE TABLE sightings (
	sequence INTEGER NOT NULL,
	order_ref VARCHAR NOT NULL,
	report VARCHAR NOT NULL,
	at VARCHAR NOT NULL,
	PRIMARY KEY (sequence),
	UNIQUE (order_ref, report)
);
INSERT INTO "sightings" VALUES(1,'ibg-b','{"kind": "OrderStatusReport", "order_id": 9, "client_id": 17, "perm_id": 6, "status": "Filled", "filled": "10", "order_ref": "ibg-b"}','2026-11-23T17:00:00.000000+00:00');
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_acceptance ON jobs (accepted_at);
CREATE INDEX jobs_by_order ON jobs (client_id, order_id);
CREATE INDEX jobs_by_perm_id ON jobs (perm_id);
CREATE INDEX sightings_by_time ON sightings (at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',3);
COMMIT;
