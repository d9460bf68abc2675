//! Calls of the server's console, with its token.

use drawbridge_fetch::CallOptions;
use leptos::prelude::window;
use tonic::Request;

use crate::model::console_token;

/// Where the token is: for this tab only, and for as long as that is open. It is sent to the console and nowhere else.
const STORAGE_KEY: &str = "drawbridge.console-token";

/// Makes a request of the console.
pub(crate) fn request<T>(message: T, options: CallOptions) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(options);
    if let Some(token) = token() {
        console_token::insert(request.metadata_mut(), &token);
    }
    request
}

/// Returns the token that the user has entered.
pub(crate) fn token() -> Option<String> {
    session_storage()?.get_item(STORAGE_KEY).ok()?
}

/// Keeps a token for the calls that follow. Returns whether the browser allows it.
pub(crate) fn keep_token(token: &str) -> bool {
    session_storage().is_some_and(|storage| storage.set_item(STORAGE_KEY, token).is_ok())
}

fn session_storage() -> Option<web_sys::Storage> {
    window().session_storage().ok().flatten()
}
