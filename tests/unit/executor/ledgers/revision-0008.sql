BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0008');
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
	stop_price VARCHAR, 
	outside_regular_hours BOOLEAN NOT NULL, 
	not_before VARCHAR, 
	market_closed VARCHAR NOT NULL, 
	priority VARCHAR NOT NULL, 
	client_reference VARCHAR NOT NULL, 
	multiplier VARCHAR NOT NULL, 
	replaces VARCHAR NOT NULL, 
	replaced_by VARCHAR NOT NULL, 
	awaits_end BOOLEAN NOT NULL, 
	PRIMARY KEY (sequence), 
	UNIQUE (id), 
	UNIQUE (idempotency_key), 
	UNIQUE (order_ref)
);
INSERT INTO "archived_jobs" VALUES(1,'a','a','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Filled','','','ibg-a',17,5,1001,'2026-11-23T17:00:00.000000+00:00','0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','',NULL,0,NULL,'','normal','','','','',0);
CREATE TABLE facts (
	name VARCHAR NOT NULL, 
	value VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "facts" VALUES('schema-version','0008');
INSERT INTO "facts" VALUES('trading-mode','paper');
INSERT INTO "facts" VALUES('accounts','DU1234567');
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
	stop_price VARCHAR, 
	outside_regular_hours BOOLEAN DEFAULT 0 NOT NULL, 
	not_before VARCHAR, 
	market_closed VARCHAR DEFAULT '' NOT NULL, 
	priority VARCHAR DEFAULT 'normal' NOT NULL, 
	client_reference VARCHAR DEFAULT '' NOT NULL, 
	multiplier VARCHAR DEFAULT '' NOT NULL, 
	replaces VARCHAR DEFAULT '' NOT NULL, 
	replaced_by VARCHAR DEFAULT '' NOT NULL, 
	awaits_end BOOLEAN DEFAULT 0 NOT NULL, 
	UNIQUE (id), 
	UNIQUE (idempotency_key), 
	UNIQUE (order_ref)
);
INSERT INTO "jobs" VALUES(2,'b','b','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Unknown','NotFoundAtBroker','parked','ibg-b',17,6,0,'2026-11-23T17:00:00.000000+00:00','0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','',NULL,0,NULL,'','normal','','','','',0);
INSERT INTO "jobs" VALUES(3,'c','c','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Sending','','','ibg-c',17,7,0,'2026-11-23T17:00:00.000000+00:00','0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','',NULL,0,NULL,'','normal','','','','',0);
INSERT INTO "jobs" VALUES(4,'d','d','h','DU1234567',265598,'AAPL','STK','SMART','USD','NASDAQ','BUY',10,'MKT',NULL,'DAY','2026-11-23T17:00:00.000000+00:00','2026-11-24T17:00:00.000000+00:00',0,'Accepted','','','ibg-d',0,0,0,NULL,'0',NULL,0,'2026-11-23T17:00:00.000000+00:00','','','',NULL,0,NULL,'','normal','','','','',0);
CREATE TABLE order_history (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	order_sequence INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	at VARCHAR NOT NULL, 
	"before" VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	cause VARCHAR NOT NULL, 
	evidence VARCHAR NOT NULL, 
	UNIQUE (order_sequence, number)
);
INSERT INTO "order_history" VALUES(1,1,1,'2026-11-23T17:00:00.000000+00:00','','Accepted','','','client','');
INSERT INTO "order_history" VALUES(2,2,1,'2026-11-23T17:00:00.000000+00:00','','Accepted','','','client','');
INSERT INTO "order_history" VALUES(3,3,1,'2026-11-23T17:00:00.000000+00:00','','Accepted','','','client','');
INSERT INTO "order_history" VALUES(4,4,1,'2026-11-23T17:00:00.000000+00:00','','Accepted','','','client','');
INSERT INTO "order_history" VALUES(5,1,2,'2026-11-23T17:00:00.000000+00:00','Accepted','Sending','','','executor','{"orderId":5}');
INSERT INTO "order_history" VALUES(6,1,3,'2026-11-23T17:00:00.000000+00:00','Sending','Working','','','broker','{"permId":1001,"report":"OrderStatusReport","status":"Submitted","orderRef":"ibg-a"}');
INSERT INTO "order_history" VALUES(7,1,4,'2026-11-23T17:00:00.000000+00:00','Working','Filled','','','broker','{"report":"OrderStatusReport","status":"Filled","orderRef":"ibg-a"}');
INSERT INTO "order_history" VALUES(8,2,2,'2026-11-23T17:00:00.000000+00:00','Accepted','Sending','','','executor','{"orderId":6}');
INSERT INTO "order_history" VALUES(9,2,3,'2026-11-23T17:00:00.000000+00:00','Sending','Unknown','NotFoundAtBroker','parked','executor','');
INSERT INTO "order_history" VALUES(10,3,2,'2026-11-23T17:00:00.000000+00:00','Accepted','Sending','','','executor','{"orderId":7}');
CREATE TABLE rebalances (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id VARCHAR NOT NULL, 
	idempotency_key VARCHAR NOT NULL, 
	request_hash VARCHAR NOT NULL, 
	account VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	document VARCHAR NOT NULL, 
	UNIQUE (id), 
	UNIQUE (idempotency_key)
);
CREATE TABLE sightings (
	sequence INTEGER NOT NULL, 
	order_ref VARCHAR NOT NULL, 
	report VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	PRIMARY KEY (sequence), 
	UNIQUE (order_ref, report)
);
CREATE INDEX jobs_by_client_reference ON jobs (client_reference, sequence);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_order ON jobs (client_id, order_id);
CREATE INDEX jobs_by_perm_id ON jobs (perm_id);
CREATE INDEX jobs_by_acceptance ON jobs (accepted_at);
CREATE INDEX sightings_by_time ON sightings (at);
CREATE INDEX rebalances_by_state ON rebalances (state, account);
CREATE INDEX archived_jobs_by_order ON archived_jobs (client_id, order_id);
CREATE INDEX archived_jobs_by_acceptance ON archived_jobs (accepted_at);
CREATE INDEX archived_jobs_by_perm_id ON archived_jobs (perm_id);
CREATE TRIGGER order_history_no_update BEFORE UPDATE ON order_history BEGIN SELECT RAISE(ABORT, 'the history of orders is only ever added to'); END;
CREATE TRIGGER order_history_no_delete BEFORE DELETE ON order_history BEGIN SELECT RAISE(ABORT, 'the history of orders is only ever added to'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',4);
INSERT INTO "sqlite_sequence" VALUES('order_history',10);
COMMIT;
