//! Orders, and what is told of them on the client's one stream of updates.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use ibapi::client::blocking::Client;
use ibapi::orders::{Action, Order, OrderUpdate, TimeInForce, order_builder};
use ibapi::prelude::{Contract, SubscriptionItem};
use ibapi::subscriptions::sync::Subscription;
use serde_json::{Value, json};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// What was told of one order.
#[derive(Default)]
pub struct Progress {
    pub perm_id: i64,
    pub limit: Option<f64>,
    pub status: String,
    pub filled: f64,
    pub remaining: f64,
    pub fills: Vec<Value>,
    pub commission: Option<f64>,
    pub errors: Vec<Value>,
}

/// Every order of this client.
pub struct OrderBook<'a> {
    client: &'a Client,
    updates: Subscription<OrderUpdate>,
    told: BTreeMap<i32, Progress>,
    executed: BTreeMap<String, i32>,
}

impl<'a> OrderBook<'a> {
    pub fn new(client: &'a Client) -> Result<Self, ibapi::Error> {
        let updates = client.order_update_stream()?;
        Ok(Self {
            client,
            updates,
            told: BTreeMap::new(),
            executed: BTreeMap::new(),
        })
    }

    pub fn place(&self, contract: &Contract, order: &Order) -> Result<i32, ibapi::Error> {
        let id = self.client.next_order_id();
        self.client.submit_order(id, contract, order)?;
        Ok(id)
    }

    /// Reads until the condition holds for an order, and gives what was told of it.
    pub fn until(
        &mut self,
        id: i32,
        condition: impl Fn(&Progress) -> bool,
    ) -> Result<&Progress, Box<dyn Error>> {
        while !condition(self.told.entry(id).or_default()) {
            match self
                .updates
                .next_timeout(PATIENCE)
                .ok_or("nothing more is told of orders")??
            {
                SubscriptionItem::Data(update) => self.take(update),
                SubscriptionItem::Notice(notice) => {
                    let order = self
                        .told
                        .entry(notice.request_id.unwrap_or(-1))
                        .or_default();
                    order.errors.push(json!([notice.code, notice.message]));
                }
            }
        }
        Ok(&self.told[&id])
    }

    fn take(&mut self, update: OrderUpdate) {
        match update {
            OrderUpdate::OrderStatus(status) => {
                let order = self.told.entry(status.order_id).or_default();
                order.status = status.status.as_str().into();
                (order.filled, order.remaining) = (status.filled, status.remaining);
            }
            OrderUpdate::OpenOrder(open) => {
                let order = self.told.entry(open.order_id).or_default();
                (order.perm_id, order.limit) = (open.order.perm_id, open.order.limit_price);
            }
            OrderUpdate::ExecutionData(data) => {
                let made = data.execution;
                let order = self.told.entry(made.order_id).or_default();
                order.fills.push(json!([
                    made.side.as_str(),
                    made.shares,
                    made.price,
                    made.order_reference
                ]));
                self.executed.insert(made.execution_id, made.order_id);
            }
            OrderUpdate::CommissionReport(report) => {
                let id = self
                    .executed
                    .get(&report.execution_id)
                    .copied()
                    .unwrap_or(-1);
                self.told.entry(id).or_default().commission = Some(report.commission);
            }
            OrderUpdate::OrderBound(_) => {}
        }
    }
}

/// A purchase for the day.
pub fn order(quantity: f64, limit: Option<f64>, reference: &str) -> Order {
    let made = match limit {
        None => order_builder::market_order(Action::Buy, quantity),
        Some(price) => order_builder::limit_order(Action::Buy, quantity, price),
    };
    Order {
        tif: TimeInForce::Day,
        order_ref: reference.into(),
        ..made
    }
}
