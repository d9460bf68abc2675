//! Drives a Chromium for each client, and reads what the page's thread has used.

use anyhow::{Context as _, Result, ensure};
use drawbridge_e2e::{BackForwardCache, Browser};
use serde_json::{Value, json};

/// How many rounds each client has, in turns.
const ROUNDS: usize = 7;
const CALLS: u32 = 300;
const MESSAGES: u32 = 5_000;
const OPEN: u32 = 200;

/// A client: its name in the table, its functions in the page, and whether it reads streams while they arrive.
struct Client {
    name: &'static str,
    functions: &'static str,
    streams: bool,
}

const CLIENTS: [Client; 4] = [
    Client { name: "drawbridge-fetch", functions: "transport", streams: true },
    Client { name: "connect-web", functions: "clients(location.origin)['connect-web']", streams: true },
    // It reads a response by XMLHttpRequest, which gives it binary data at the end only.
    Client { name: "grpc-web, binary", functions: "clients(location.origin)['grpc-web']", streams: false },
    Client { name: "grpc-web, text", functions: "clients(location.origin)['grpc-web, text']", streams: true },
];

/// Returns the figures of all rounds as a JSON array with an object for each client: CPU time of the page's thread in
/// microseconds for a `unary` call and for a `message`, and the bytes of an open `stream`.
pub(crate) async fn measure(url: &str) -> Result<Value> {
    let mut running = Vec::new();
    for client in CLIENTS {
        let browser = Browser::start(BackForwardCache::Off).await?;
        browser.goto(url).await?;
        let ready = "return !!globalThis.clients && !!globalThis.transport?.memory";
        browser.await_value("the clients", ready, |ready: &bool| *ready).await?;
        // CPU time instead of elapsed time.
        browser.devtools("Performance.enable", json!({ "timeDomain": "threadTicks" })).await?;
        let script = format!("globalThis.client = {}; globalThis.opened = []", client.functions);
        browser.read::<Value>(&script).await?;
        running.push((client, browser, Vec::new(), Vec::new()));
    }
    for round in 0..=ROUNDS {
        for (client, browser, unary, message) in &mut running {
            let unary_us = cpu(browser, &calls(), CALLS).await.with_context(|| client.name.to_owned())?;
            let message_us =
                cpu(browser, &stream(), MESSAGES).await.with_context(|| client.name.to_owned())?;
            // The first round warms up.
            if round > 0 {
                unary.push(unary_us);
                message.push(message_us);
            }
        }
    }
    let mut figures = Vec::new();
    for (client, browser, unary, message) in running {
        let stream = if client.streams {
            Some(memory_of_stream(&browser).await.with_context(|| client.name.to_owned())?)
        } else {
            None
        };
        figures.push(json!({ "name": client.name, "unary": unary, "message": message, "stream": stream }));
    }
    Ok(figures.into())
}

fn calls() -> String {
    format!(
        "return (async () => {{ for (let i = 0; i < {CALLS}; i++) await client.unary('ada'); return {CALLS}; }})()"
    )
}

fn stream() -> String {
    format!("return client.drain('100x{MESSAGES}')")
}

/// Runs a script that does so many units and returns their number, and returns the CPU time of each in microseconds.
async fn cpu(browser: &Browser, script: &str, units: u32) -> Result<f64> {
    let before = metric(browser, "TaskDuration").await?;
    let done: u32 = browser.read(script).await?;
    ensure!(done == units, "{done} of {units} were done");
    Ok((metric(browser, "TaskDuration").await? - before) * 1e6 / f64::from(units))
}

/// Opens streams, and returns what each adds to the memory of the page: the heap of JavaScript, and the memory of WASM.
async fn memory_of_stream(browser: &Browser) -> Result<f64> {
    let before = memory(browser).await?;
    let script = format!(
        "for (let i = 0; i < {OPEN}; i++) opened.push(client.open('first ' + i)); return Promise.all(opened).then(() => 0)"
    );
    browser.read::<u32>(&script).await?;
    Ok((memory(browser).await? - before) / f64::from(OPEN))
}

async fn memory(browser: &Browser) -> Result<f64> {
    browser.devtools("HeapProfiler.collectGarbage", json!({})).await?;
    let wasm: f64 = browser.read("return transport.memory()").await?;
    Ok(metric(browser, "JSHeapUsedSize").await? + wasm)
}

async fn metric(browser: &Browser, name: &str) -> Result<f64> {
    let metrics = browser.devtools("Performance.getMetrics", json!({})).await?;
    value_of(&metrics, name).with_context(|| format!("no metric {name} in {metrics}"))
}

/// Finds a metric in the answer of `Performance.getMetrics`.
fn value_of(metrics: &Value, name: &str) -> Option<f64> {
    metrics["metrics"].as_array()?.iter().find(|metric| metric["name"] == name)?["value"].as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_found_by_its_name() {
        let metrics = json!({ "metrics": [{ "name": "Nodes", "value": 7 }, { "name": "TaskDuration", "value": 0.25 }] });
        assert_eq!(value_of(&metrics, "TaskDuration").map(f64::to_bits), Some(0.25_f64.to_bits()));
        assert_eq!(value_of(&metrics, "Other"), None);
    }
}
