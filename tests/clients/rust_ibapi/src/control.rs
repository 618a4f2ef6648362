//! The simulator's control API, asked with nothing but a socket.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// Asks `http://HOST:PORT` and gives the JSON of the answer.
pub fn control(method: &str, url: &str, path: &str, body: Value) -> Result<Value, Box<dyn Error>> {
    let host = url
        .strip_prefix("http://")
        .ok_or("the control API's address begins with http://")?;
    let text = body.to_string();
    let mut socket = TcpStream::connect(host)?;
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, content) = answer
        .split_once("\r\n\r\n")
        .ok_or("an answer without a body")?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(answer.into());
    }
    Ok(serde_json::from_str(content)?)
}
