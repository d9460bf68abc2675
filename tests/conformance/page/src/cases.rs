//! Fetches cases from the native part of the client, and posts their results to it.

use drawbridge_conformance_contract::v1::{ClientCompatRequest, ClientCompatResponse};
use js_sys::{ArrayBuffer, Uint8Array};
use prost::Message as _;
use wasm_bindgen::{JsCast as _, JsError, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RequestInit, Response};

use crate::case;
use crate::window::window;

/// How many cases run at the same time. A browser has six connections to an origin over HTTP/1.1, for cases and calls.
const CONCURRENT_CASES: usize = 4;

/// Runs cases until there are no more. After a failure here, the suite reports a missing result.
pub(crate) fn run_all() {
    for _ in 0..CONCURRENT_CASES {
        spawn_local(async {
            if let Err(error) = run_until_done().await {
                wasm_bindgen::throw_val(error);
            }
        });
    }
}

async fn run_until_done() -> Result<(), JsValue> {
    while let Some(request) = next().await? {
        let result = ClientCompatResponse {
            test_name: request.test_name.clone(),
            result: Some(case::run(&request).await),
        };
        post(&result).await?;
    }
    Ok(())
}

/// Waits for the next case. Returns `None` after the last one.
async fn next() -> Result<Option<ClientCompatRequest>, JsValue> {
    let response: Response = JsFuture::from(window()?.fetch_with_str("/case")).await?.unchecked_into();
    if response.status() == 204 {
        return Ok(None);
    }
    let bytes: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.unchecked_into();
    let request = ClientCompatRequest::decode(Uint8Array::new(&bytes).to_vec().as_slice());
    Ok(Some(request.map_err(JsError::from)?))
}

async fn post(result: &ClientCompatResponse) -> Result<(), JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(result.encode_to_vec().as_slice()));
    JsFuture::from(window()?.fetch_with_str_and_init("/result", &init)).await?;
    Ok(())
}
