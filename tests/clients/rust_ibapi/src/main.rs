//! The story with Rust's crate ibapi: `rust-ibapi-story HOST PORT CONTROL_URL`, or with `scenarios` as a fourth word.
//!
//! ibapi 5.5.0 is unmodified; it speaks protobuf only. Prints one JSON document, of the story with the keys that async_story.py prints.

mod control;
mod orders;
mod scenarios;
mod story;

use std::env::args;
use std::error::Error;

use ibapi::client::blocking::Client;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = args().skip(1).collect();
    let [host, port, url, rest @ ..] = words.as_slice() else {
        return Err("HOST PORT CONTROL_URL [scenarios]".into());
    };
    let address = format!("{host}:{port}");
    let client = Client::connect(&address, 17)?;
    let told = match rest {
        [] => story::story(&client, url)?,
        _ => scenarios::scenarios(&client, &address, url)?,
    };
    client.disconnect();
    println!("{told}");
    Ok(())
}
