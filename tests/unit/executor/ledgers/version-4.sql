BEGIN TRANSACTION;
CREATE TABLE archived_jobs (
	sequence INTEGER NOT NULL,
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
	broker_message VARCHAR NOT NULL,
	resolution VARCHAR NOT NULL,
	note VARCHAR NOT NULL,
	PRIMARY KEY (sequence),
	UNIQUE (id),
	UNIQUE (idempotency_key),
	UNIQUE (order_ref)
);
INSERT INTO "archived_jobs" VALUES(4,'d','d','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Filled','','','ibg-d',17,3,7,'2026-11-23T17:00:00.000000+00:00','10','190.3',0,'2026-11-23T17:00:00.000000+00:00','','','');
CREATE TABLE facts (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('trading-mode','paper');
INSERT INTO "facts" VALUES('schema-version','4');
INSERT INTO "facts" VALUES('accounts','DU1234567');
INSERT INTO "facts" VALUES('highest-order-id','4');
INSERT INTO "facts" VALUES('paused','{"by":"R.","reason":"earnings","since":"2026-11-23T17:00:00Z"}');
INSERT INTO "facts" VALUES('written-at','2026-11-23T17:00:00.000000+00:00');
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
INSERT INTO "jobs" VALUES(1,'a','a','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Sending','','','ibg-a',17,1,0,'2026-11-23T17:00:00.000000+00:00','0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','');
INSERT INTO "jobs" VALUES(2,'b','b','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Waiting','MarketClosed','the market is closed','ibg-b',0,0,0,NULL,'0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','');
INSERT INTO "jobs" VALUES(3,'c','c','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Working','','','ibg-c',17,2,6,'2026-11-23T17:00:00.000000+00:00','4','190.3',0,'2026-11-23T17:00:00.000000+00:00','','','');
INSERT INTO "jobs" VALUES(5,'e','e','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Filled','','','ibg-e',17,4,8,'2026-11-23T17:00:00.000000+00:00','10','191',0,'2027-01-02T17:00:00.000000+00:00','','','');
INSERT INTO "jobs" VALUES(6,'f','f','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Accepted','','','ibg-f',0,0,0,NULL,'0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','');
CREATE TABLE sightings (
	sequence INTEGER NOT NULL,
	order_ref VARCHAR NOT NULL,
	report VARCHAR NOT NULL,
	at VARCHAR NOT NULL,
	PRIMARY KEY (sequence),
	UNIQUE (order_ref, report)
);
INSERT INTO "sightings" VALUES(1,'ibg-lost','{"average_price": "190.3", "client_id": 17, "cumulative": "10", "exec_id": "e", "kind": "FillReport", "order_id": 7, "order_ref": "ibg-lost", "perm_id": 5}','2026-11-23T17:00:00.000000+00:00');
CREATE INDEX jobs_by_acceptance ON jobs (accepted_at);
CREATE INDEX jobs_by_order ON jobs (client_id, order_id);
CREATE INDEX jobs_by_perm_id ON jobs (perm_id);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX sightings_by_time ON sightings (at);
CREATE INDEX archived_jobs_by_order ON archived_jobs (client_id, order_id);
CREATE INDEX archived_jobs_by_acceptance ON archived_jobs (accepted_at);
CREATE INDEX archived_jobs_by_perm_id ON archived_jobs (perm_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',6);
COMMIT;
