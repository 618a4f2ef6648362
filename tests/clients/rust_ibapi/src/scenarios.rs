//! What a day can bring: the keys are those of nautilus_scenarios.py.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use ibapi::accounts::types::{AccountGroup, AccountId};
use ibapi::accounts::{AccountSummaryResult, AccountUpdateMulti};
use ibapi::client::blocking::Client;
use ibapi::contracts::tick_types::TickType;
use ibapi::market_data::realtime::{Quote, TickTypes};
use ibapi::orders::{ExecutionFilter, Executions, Order, Orders, TimeInForce};
use ibapi::prelude::{Contract, HistoricalBarSize, ToDuration};
use serde_json::{Value, json};

use crate::control::control;
use crate::orders::{OrderBook, PATIENCE, order};

type Fallible<T> = Result<T, Box<dyn Error>>;

pub fn scenarios(client: &Client, address: &str, url: &str) -> Fallible<Value> {
    let mut told = json!({});
    let contract = Contract::stock("AAPL").build();
    clocks(client, url, &mut told)?;
    accounts(client, &mut told)?;
    prices(client, url, &contract, &mut told)?;
    let mut book = OrderBook::new(client)?;
    working(client, &mut book, url, &contract, &mut told)?;
    refused(client, &mut book, &contract, &mut told)?;
    awkward(&mut book, url, &contract, &mut told)?;
    connections(client, address, url, &mut told)?;
    Ok(told)
}

fn clocks(client: &Client, url: &str, told: &mut Value) -> Fallible<()> {
    let near = |at: time::OffsetDateTime| {
        (time::OffsetDateTime::now_utc() - at).abs() < time::Duration::MINUTE
    };
    let seconds = near(client.server_time()?);
    control("PATCH", url, "/v1/clock", json!({"offset_seconds": 2}))?;
    told["clock_is_near"] = json!([seconds, near(client.server_time_millis()?)]);
    Ok(())
}

fn accounts(client: &Client, told: &mut Value) -> Fallible<()> {
    let mut summary = BTreeMap::new();
    let asked = client.account_summary(
        &AccountGroup("All".into()),
        &["NetLiquidation", "SettledCash"],
    )?;
    for row in asked.iter_data() {
        match row? {
            AccountSummaryResult::Summary(row) => summary.insert(row.tag, row.value),
            AccountSummaryResult::End => break,
        };
    }
    told["summary"] = json!(summary);
    let asked = client.account_updates_multi(Some(&AccountId("DU1234567".into())), None)?;
    for row in asked.iter_data() {
        match row? {
            AccountUpdateMulti::AccountMultiValue(value) if value.key == "NetLiquidation" => {
                told["multi"] = json!(value.value)
            }
            AccountUpdateMulti::End => break,
            _ => {}
        }
    }
    Ok(())
}

fn prices(client: &Client, url: &str, contract: &Contract, told: &mut Value) -> Fallible<()> {
    let quote = Quote::from_ticks(&client.market_data(contract).snapshot_once(PATIENCE)?);
    told["snapshot"] = json!([quote.bid, quote.ask, quote.last]);
    let streamed = client.market_data(contract).subscribe()?;
    let mut changed = false;
    for tick in streamed.timeout_iter_data(PATIENCE) {
        let last = match tick? {
            TickTypes::Price(tick) if tick.tick_type == TickType::Last => tick.price,
            TickTypes::PriceSize(tick) if tick.price_tick_type == TickType::Last => tick.price,
            _ => continue,
        };
        if last == 191.0 {
            told["streamed"] = json!(last);
            break;
        }
        if !changed {
            control("PATCH", url, "/v1/prices", json!({"AAPL": "191"}))?;
            changed = true;
        }
    }
    let bars = client.historical_data(contract, HistoricalBarSize::Day);
    told["historical"] = code(bars.duration(7.days()).fetch().map(|_| ()))?;
    told["unknown_contract"] = code(
        client
            .contract_details(&Contract::stock("NOPE").build())
            .map(|_| ()),
    )?;
    Ok(())
}

fn working(
    client: &Client,
    book: &mut OrderBook,
    url: &str,
    contract: &Contract,
    told: &mut Value,
) -> Fallible<()> {
    let preview = client
        .order(contract)
        .buy(10)
        .market()
        .day_order()
        .analyze()?;
    let numbers = [
        preview.initial_margin_change,
        preview.equity_with_loan_after,
    ]
    .map(|n| n.map(|n| format!("{n:.1}")));
    told["what_if"] = json!([preview.status.as_str(), numbers[0], numbers[1]]);
    told["what_if_costs"] = json!([preview.commission, preview.commission_currency]);
    control("PATCH", url, "/v1/faults", json!({"hold_fills": true}))?;
    let id = book.place(contract, &order(5.0, Some(100.0), "working"))?;
    book.until(id, |order| order.status == "Submitted")?;
    client.submit_order(id, contract, &order(5.0, Some(101.0), "working"))?;
    told["changed"] = json!(book.until(id, |order| order.limit == Some(101.0))?.limit);
    let mut references = vec![];
    for open in client.all_open_orders()?.iter_data() {
        if let Orders::OrderData(data) = open? {
            references.push(data.order.order_ref);
        }
    }
    told["working"] = json!(references);
    let _cancelled = client.cancel_order(id, "")?;
    let seen = book.until(id, |order| !order.errors.is_empty())?;
    told["cancel_is"] = seen.errors[0][0].clone();
    told["cancelled"] = json!(seen.status);
    control("POST", url, "/v1/fills/release", json!({}))?;
    client.submit_order(id, contract, &order(1.0, None, "again"))?;
    told["used_id"] = book.until(id, |order| order.errors.len() > 1)?.errors[1][0].clone();
    Ok(())
}

fn refused(
    client: &Client,
    book: &mut OrderBook,
    contract: &Contract,
    told: &mut Value,
) -> Fallible<()> {
    let off_tick = book.place(contract, &order(5.0, Some(100.001), "off-tick"))?;
    told["off_tick"] = book
        .until(off_tick, |order| !order.errors.is_empty())?
        .errors[0][0]
        .clone();
    let _unknown = client.cancel_order(49, "")?;
    told["not_found"] = book.until(49, |order| !order.errors.is_empty())?.errors[0][0].clone();
    Ok(())
}

fn awkward(book: &mut OrderBook, url: &str, contract: &Contract, told: &mut Value) -> Fallible<()> {
    control("PATCH", url, "/v1/faults", json!({"tif_preset": true}))?;
    let unset = Order {
        tif: TimeInForce::Unknown(String::new()),
        ..order(1.0, None, "preset")
    };
    let preset = book.place(contract, &unset)?;
    let seen = book.until(preset, |order| order.status == "Filled")?;
    told["preset"] = seen.errors[0][0].clone();
    told["preset_is"] = json!(seen.status);
    control("PATCH", url, "/v1/faults", json!({"read_only": true}))?;
    let refused = book.place(contract, &order(1.0, None, "read-only"))?;
    told["read_only"] = book
        .until(refused, |order| !order.errors.is_empty())?
        .errors[0][0]
        .clone();
    control("PATCH", url, "/v1/faults", json!({"read_only": false}))?;
    Ok(())
}

fn connections(client: &Client, address: &str, url: &str, told: &mut Value) -> Fallible<()> {
    told["id_in_use"] = match Client::connect(address, 17) {
        Err(ibapi::Error::ClientIdInUse { .. }) => json!(326),
        other => {
            return Err(format!("a second client with this id: {:?}", other.map(|_| ())).into());
        }
    };
    let notices = client.notice_stream()?;
    control("POST", url, "/v1/connectivity", json!({"state": "lost"}))?;
    control(
        "POST",
        url,
        "/v1/connectivity",
        json!({"state": "restored", "code": 1102}),
    )?;
    let link: Vec<Option<i32>> = (0..2)
        .map(|_| notices.next_timeout(PATIENCE).map(|notice| notice.code))
        .collect();
    told["link"] = json!(link);
    control("POST", url, "/v1/connections/drop", json!({}))?;
    let again = Client::connect(address, 18)?;
    let mut references = vec![];
    for execution in again.executions(ExecutionFilter::default())?.iter_data() {
        if let Executions::ExecutionData(data) = execution? {
            references.push(data.execution.order_reference);
        }
    }
    told["after_a_drop"] = json!(references);
    told["reconnected"] = json!(reconnected(client)?);
    Ok(())
}

/// Whether the client's own reconnect ends in a connection that answers.
fn reconnected(client: &Client) -> Fallible<bool> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        client.wait_connected()?;
        if client.server_time().is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The code with which a request was refused.
fn code(answer: Result<(), ibapi::Error>) -> Fallible<Value> {
    match answer {
        Err(ibapi::Error::Notice(notice)) => Ok(json!(notice.code)),
        other => Err(format!("{other:?} is no refusal").into()),
    }
}
