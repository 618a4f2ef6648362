//! Reading, trading, cancelling and a rejection, as the other clients tell them.

use std::collections::BTreeMap;
use std::error::Error;

use ibapi::accounts::types::AccountId;
use ibapi::accounts::{AccountUpdate, PositionUpdate};
use ibapi::client::blocking::Client;
use ibapi::orders::{ExecutionFilter, Executions, Orders};
use ibapi::prelude::Contract;
use serde_json::{Value, json};

use crate::control::control;
use crate::orders::{OrderBook, order};

pub fn story(client: &Client, url: &str) -> Result<Value, Box<dyn Error>> {
    let accounts = client.managed_accounts()?;
    let values = values(client, &accounts[0])?;
    let details = client
        .contract_details(&Contract::stock("AAPL").build())?
        .remove(0);
    let contract = details.contract;
    let mut told = json!({
        "server_version": client.server_version(),
        "accounts": accounts,
        "net_liquidation": values["NetLiquidation"],
        "settled_cash": values["SettledCash"],
        "positions_at_first": positions(client)?,
        "contract": [contract.contract_id, contract.primary_exchange.to_string(), details.time_zone_id],
        "liquid_hours": details.liquid_hours.join(";"),
    });
    trade(client, url, &contract, &mut told)?;
    told["positions_at_last"] = json!(positions(client)?);
    told["executions"] = json!(executions(client)?);
    told["completed"] = json!(completed(client)?);
    Ok(told)
}

fn trade(
    client: &Client,
    url: &str,
    contract: &Contract,
    told: &mut Value,
) -> Result<(), Box<dyn Error>> {
    let mut book = OrderBook::new(client)?;
    let market = book.place(contract, &order(10.0, None, "market"))?;
    let seen = book.until(market, |order| {
        order.status == "Filled" && order.commission.is_some()
    })?;
    told["market"] = json!([seen.status, seen.fills]);
    told["commission"] = json!(seen.commission);

    let limit = book.place(contract, &order(5.0, Some(100.0), "limit"))?;
    let seen = book.until(limit, |order| order.status == "Submitted")?;
    told["limit_works"] = json!([seen.status, seen.filled]);
    let _cancelled = client.cancel_order(limit, "")?;
    told["limit_cancelled"] = json!(
        book.until(limit, |order| order.status == "Cancelled")?
            .status
    );

    control("PATCH", url, "/v1/faults", json!({"partial_next": ["4"]}))?;
    let partial = book.place(contract, &order(10.0, None, "partial"))?;
    let seen = book.until(partial, |order| order.filled == 4.0)?;
    told["partial"] = json!([seen.status, seen.filled, seen.remaining]);
    control(
        "POST",
        url,
        &format!("/v1/orders/{}/fill", seen.perm_id),
        json!({}),
    )?;
    told["partial_filled"] = json!(book.until(partial, |order| order.status == "Filled")?.fills);

    control(
        "PATCH",
        url,
        "/v1/faults",
        json!({"reject_next": "The contract is not allowed."}),
    )?;
    let rejected = book.place(contract, &order(1.0, None, "rejected"))?;
    let seen = book.until(rejected, |order| {
        order.status == "Inactive" && !order.errors.is_empty()
    })?;
    told["rejected"] = seen.errors[0].clone();
    told["rejected_fills"] = json!(seen.fills);
    Ok(())
}

/// The positions by symbol.
pub fn positions(client: &Client) -> Result<BTreeMap<String, f64>, ibapi::Error> {
    let mut held = BTreeMap::new();
    for update in client.positions()?.iter_data() {
        match update? {
            PositionUpdate::Position(position) => {
                held.insert(position.contract.symbol.to_string(), position.position)
            }
            PositionUpdate::PositionEnd => break,
        };
    }
    Ok(held)
}

/// The account's values in dollars.
fn values(client: &Client, account: &str) -> Result<BTreeMap<String, String>, ibapi::Error> {
    let mut values = BTreeMap::new();
    for update in client
        .account_updates(&AccountId(account.into()))?
        .iter_data()
    {
        match update? {
            AccountUpdate::AccountValue(value) if value.currency == "USD" => {
                values.insert(value.key, value.value);
            }
            AccountUpdate::End => break,
            _ => {}
        }
    }
    Ok(values)
}

/// The references of today's executions.
fn executions(client: &Client) -> Result<Vec<String>, ibapi::Error> {
    let mut references = vec![];
    for execution in client.executions(ExecutionFilter::default())?.iter_data() {
        if let Executions::ExecutionData(data) = execution? {
            references.push(data.execution.order_reference);
        }
    }
    Ok(references)
}

/// The references of today's completed orders.
fn completed(client: &Client) -> Result<Vec<String>, ibapi::Error> {
    let mut references = vec![];
    for order in client.completed_orders(false)?.iter_data() {
        if let Orders::OrderData(data) = order? {
            references.push(data.order.order_ref);
        }
    }
    references.sort();
    Ok(references)
}
