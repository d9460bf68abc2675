//! Where cases come from and results go: the native half, which this page was loaded from.

use drawbridge_conformance_contract::v1::{ClientCompatRequest, ClientCompatResponse};
use js_sys::{ArrayBuffer, Uint8Array};
use prost::Message as _;
use wasm_bindgen::{JsCast as _, JsError, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{RequestInit, Response, Window};

use crate::case;

/// How many cases run side by side. A browser has six connections to an origin over HTTP/1.1, for cases and for calls.
const SIDE_BY_SIDE: usize = 4;

/// Runs cases until there are no more. A failure here is the suite's to notice: it misses a result.
pub(crate) fn work() {
    for _ in 0..SIDE_BY_SIDE {
        spawn_local(async {
            if let Err(error) = work_through().await {
                wasm_bindgen::throw_val(error);
            }
        });
    }
}

async fn work_through() -> Result<(), JsValue> {
    while let Some(request) = next().await? {
        let answer = ClientCompatResponse {
            test_name: request.test_name.clone(),
            result: Some(case::run(&request).await),
        };
        bring(&answer).await?;
    }
    Ok(())
}

/// Takes the next case, once there is one. Returns none when there will be no more.
async fn next() -> Result<Option<ClientCompatRequest>, JsValue> {
    let response: Response = JsFuture::from(window()?.fetch_with_str("/case")).await?.unchecked_into();
    if response.status() == 204 {
        return Ok(None);
    }
    let bytes: ArrayBuffer = JsFuture::from(response.array_buffer()?).await?.unchecked_into();
    let request = ClientCompatRequest::decode(Uint8Array::new(&bytes).to_vec().as_slice());
    Ok(Some(request.map_err(JsError::from)?))
}

async fn bring(answer: &ClientCompatResponse) -> Result<(), JsValue> {
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(answer.encode_to_vec().as_slice()));
    JsFuture::from(window()?.fetch_with_str_and_init("/answer", &init)).await?;
    Ok(())
}

pub(crate) fn window() -> Result<Window, JsError> {
    web_sys::window().ok_or_else(|| JsError::new("a page has a window"))
}
