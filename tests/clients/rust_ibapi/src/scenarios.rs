
pub fn scenarios(_: &ibapi::client::blocking::Client, _: &str, _: &str) -> Result<serde_json::Value, Box<dyn std::error::Error>> { Ok(serde_json::json!({})) }
