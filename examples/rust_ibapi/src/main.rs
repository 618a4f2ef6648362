//! Buys one share in each period, on the Rust library ibapi; it asks the gate by itself, with nothing but a socket.

use std::collections::HashSet;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use ibapi::client::blocking::Client;
use ibapi::orders::{ExecutionFilter, Executions, OrderOutcome, Orders};
use ibapi::prelude::Contract;

type Fallible<T> = Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(5);

fn main() {
    // Nothing ends the first process of a container softly but its own handler. An order on its way is asked for at the next start.
    ctrlc::set_handler(|| std::process::exit(0)).expect("SIGTERM can be handled");
    let period: f64 = variable("PERIOD_SECONDS", "86400").parse().expect("PERIOD_SECONDS is a number");
    let settle: f64 = variable("SETTLE_SECONDS", "10").parse().expect("SETTLE_SECONDS is a number");
    let name = variable("BOT_NAME", "rust-ibapi");
    let mut done = -1.0;
    loop {
        let turn = (now() / period).floor();
        if turn != done {
            match trade(&format!("{name}-{turn}"), Duration::from_secs_f64(settle)) {
                Ok(said) => {
                    println!("{name}-{turn}: {said}");
                    done = turn;
                }
                Err(error) => println!("not now: {error}"),
            }
        }
        thread::sleep(Duration::from_secs(1));
    }
}

/// One market order for one share, unless IBKR has it already. An error before the order is sent is none of the order's.
fn trade(reference: &str, settle: Duration) -> Fallible<String> {
    ask_gate()?;
    let address = format!("{}:{}", variable("IB_HOST", ""), variable("IB_PORT", "4001"));
    let client = Client::connect(&address, variable("IB_CLIENT_ID", "").parse()?)?;
    // Right after a connection IBKR's lists may be empty: the second look counts as well.
    for pause in [settle, Duration::ZERO] {
        if known(&client)?.contains(reference) {
            return Ok("IBKR has it".into());
        }
        thread::sleep(pause);
    }
    let contract = Contract::stock(variable("SYMBOL", "SPY").as_str()).build();
    let mut order = client.order(&contract).buy(1).market().day_order().build_order()?;
    order.order_ref = reference.into();
    let id = client.next_order_id();
    ask_gate()?;
    let ended = while_present(|| {
        client.submit_order(id, &contract, &order)?;
        Ok::<_, Box<dyn Error>>(client.wait_for_fill(id, Duration::from_secs(30)))
    })?;
    Ok(match ended {
        Ok(OrderOutcome::Filled(status)) => format!("filled {}", status.filled),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("sent, and then {error}: the next start asks IBKR for it"),
    })
}

/// Whoever asks is waited for: so it asks once a second, and answers no drain, as long as the order is under way.
fn while_present<T>(work: impl FnOnce() -> T) -> T {
    let (ends, ended) = channel::<()>();
    thread::spawn(move || {
        while ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = question("") {
                println!("the gate is not heard: {error}");
            }
        }
    });
    let result = work();
    drop(ends);
    result
}

/// The orderRefs that IBKR knows: open orders, ended ones, and what was executed.
fn known(client: &Client) -> Fallible<HashSet<String>> {
    let mut refs = HashSet::new();
    for orders in [client.all_open_orders()?, client.completed_orders(false)?] {
        for order in orders.iter_data() {
            if let Orders::OrderData(data) = order? {
                refs.insert(data.order.order_ref);
            }
        }
    }
    for execution in client.executions(ExecutionFilter::default())?.iter_data() {
        if let Executions::ExecutionData(data) = execution? {
            refs.insert(data.execution.order_reference);
        }
    }
    Ok(refs)
}

/// An error with the reason unless the gate is open now. Whoever asks by name is waited for at planned stops, for three
/// seconds after each question; so a drain is answered at once: nothing is under way here where this asks.
fn ask_gate() -> Fallible<()> {
    let report = question("")?;
    if let Some(drain) = report["drain"]["id"].as_str() {
        question(&format!("&drained={drain}"))?;
    }
    match report["open"].as_bool() {
        Some(true) if report["drain"].is_null() => Ok(()),
        _ => Err(format!("the gate is closed: {}: {}", report["reason"], report["message"]).into()),
    }
}

/// What `GET /v1/gate` answers.
fn question(more: &str) -> Fallible<serde_json::Value> {
    let url = variable("IBGATEWAY_STATUS_URL", "");
    let token = fs::read_to_string(variable("IBGATEWAY_TOKEN_FILE", ""))?;
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or("IBGATEWAY_STATUS_URL")?;
    let address = host.to_socket_addrs()?.next().ok_or("no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let program = variable("HOSTNAME", "rust-ibapi");
    let token = token.trim();
    write!(stream, "GET /{path}?program={program}{more} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("half an answer of the gate")?;
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!("the gate answers {}", head.lines().next().unwrap_or_default()).into());
    }
    Ok(serde_json::from_str(body)?)
}

fn variable(name: &str, otherwise: &str) -> String {
    env::var(name).unwrap_or_else(|_| otherwise.into())
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
