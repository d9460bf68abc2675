//! A visit: a server, and a browser with its page.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use fantoccini::{Locator, key::Key};
use serde::Deserialize;

use crate::{BackForwardCache, Browser, Call, STREAM, Server};

/// A server, and a browser that has its page open.
pub struct Visit {
    /// The server of the page and of its calls.
    pub server: Server,
    /// The browser that shows the page.
    pub browser: Browser,
}

/// The card of one stream on the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Card {
    /// `opening`, `streaming`, `completed`, `cancelled` or `failed`.
    pub state: String,
    /// The messages, oldest first.
    pub messages: Vec<String>,
    /// The value of the progress bar, up to 10.
    pub progress: f64,
    /// Why the stream failed.
    pub failure: Option<String>,
    /// What the button does: `cancel` or `open`.
    pub action: Option<String>,
}

/// What a card showed at one time, recorded in the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CardSnapshot {
    /// The stream's key.
    pub key: String,
    /// The card's state.
    pub state: String,
    /// The number of messages.
    pub messages: usize,
    /// Milliseconds since the Unix epoch.
    at: f64,
}

/// A row of the waterfall.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// `attempt`, `hop`, `activity`, `backoff`, `skipped` or `unknown`.
    pub kind: String,
    /// The level of indentation.
    pub depth: String,
    /// The name.
    pub name: String,
    /// The start, the requested timeout, the granted timeout and the duration.
    pub figures: [String; 4],
    /// How it ended.
    pub end: String,
}

/// A request of the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SentRequest {
    /// The path of the URL.
    pub path: String,
    /// The headers, with lower-case names. Values of one name are joined by commas.
    pub headers: HashMap<String, String>,
}

impl CardSnapshot {
    /// Returns the time, by the page's clock.
    pub fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(self.at / 1000.0)
    }
}

impl Visit {
    /// Starts a server and a browser, and opens `path`.
    pub async fn start(path: &str) -> Result<Self> {
        Self::start_with(BackForwardCache::On, path).await
    }

    /// Starts a server with TLS and a browser, and opens `path`.
    pub async fn start_with_tls(path: &str) -> Result<Self> {
        Self::of(Server::start_with_tls().await?, path).await
    }

    /// Starts a server and a browser with or without a back/forward cache, and opens `path`.
    pub async fn start_with(back_forward_cache: BackForwardCache, path: &str) -> Result<Self> {
        let server = Server::start().await?;
        let browser = Browser::start(back_forward_cache).await?;
        let visit = Self { server, browser };
        visit.open(path).await?;
        Ok(visit)
    }

    /// Starts a browser, and opens `path` of a server.
    pub async fn of(server: Server, path: &str) -> Result<Self> {
        let visit = Self { server, browser: Browser::start(BackForwardCache::On).await? };
        visit.open(path).await?;
        Ok(visit)
    }

    /// Opens `path`, and waits until the page shows a view.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.browser.goto(&self.server.url(path)).await?;
        self.await_view().await
    }

    /// Waits until the page shows a view.
    pub async fn await_view(&self) -> Result<()> {
        let script = "return document.querySelector('header:has(nav) + main > *') !== null";
        self.browser.await_value("the page's navigation and a view", script, |shown| *shown).await?;
        Ok(())
    }

    /// Clicks the link to a view.
    pub async fn follow(&self, path: &str) -> Result<()> {
        self.browser.click(&format!("nav a[href='{path}']")).await
    }

    /// Replaces the text of a field.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        self.browser
            .await_value(css, &format!("return !!document.querySelector({css:?})"), |found| *found)
            .await?;
        let field = self.browser.client().find(Locator::Css(css)).await?;
        field.clear().await?;
        // A driver clears a field without an `input` event, so empty text is typed as a space and a backspace.
        let empty = format!(" {}", char::from(Key::Backspace));
        Ok(field.send_keys(if text.is_empty() { &empty } else { text }).await?)
    }

    /// Types a key into the key field, and presses Enter.
    pub async fn enter_key(&self, key: &str) -> Result<()> {
        self.type_into("#key", &(key.to_owned() + &Key::Enter)).await
    }

    /// Opens a stream, and waits until its first message is shown. Returns the call on the server.
    pub async fn open_stream(&self, key: &str) -> Result<Call> {
        self.enter_key(key).await?;
        let call = self.server.next_call(STREAM).await?;
        self.await_card(key, "with a first message", |card| !card.messages.is_empty()).await?;
        Ok(call)
    }

    /// Waits until the card of `key` matches.
    pub async fn await_card(&self, key: &str, what: &str, matches: impl Fn(&Card) -> bool) -> Result<Card> {
        let script = format!(
            "const card = [...document.querySelectorAll('#streams > li')].find((card) => card.dataset.key === {key:?});
             return {{
               state: card.dataset.state,
               messages: [...card.querySelectorAll('.messages > li')].map((message) => message.textContent),
               progress: card.querySelector('progress').value,
               failure: card.querySelector('.failure')?.textContent,
               action: card.querySelector('button')?.dataset.action,
             }}"
        );
        self.browser.await_value(&format!("a card for {key:?} {what}"), &script, matches).await
    }

    /// Waits until the stream of `key` is in `state`.
    pub async fn await_state(&self, key: &str, state: &str) -> Result<Card> {
        self.await_card(key, &format!("that is {state}"), |card| card.state == state).await
    }

    /// Clicks the button on the card of `key`.
    pub async fn click_button(&self, key: &str) -> Result<()> {
        self.browser.click(&format!("#streams > li[data-key={key:?}] button")).await
    }

    /// Waits until the text of the element that `css` selects matches, and returns it.
    pub async fn await_text(&self, css: &str, matches: impl Fn(&str) -> bool) -> Result<String> {
        let script = format!("return document.querySelector({css:?}).textContent.trim()");
        self.browser.await_value(&format!("a text of `{css}`"), &script, |text: &String| matches(text)).await
    }

    /// Waits for the notice on dropped calls, and returns its text.
    pub async fn await_dropped_notice(&self) -> Result<String> {
        let script = "return document.querySelector('#dropped')?.textContent ?? ''";
        self.browser.await_value("a notice on dropped calls", script, |text: &String| !text.is_empty()).await
    }

    /// Waits until the list of keys with an open stream matches, and returns it.
    pub async fn await_open_keys(&self, what: &str, matches: impl Fn(&String) -> bool) -> Result<String> {
        self.browser
            .await_value(what, "return document.querySelector('#open-keys').textContent", matches)
            .await
    }

    /// Returns what the card of `key` has shown since the document was loaded, in order.
    pub async fn snapshots(&self, key: &str) -> Result<Vec<CardSnapshot>> {
        let snapshots: Vec<CardSnapshot> = self.browser.read("return recorder.snapshots").await?;
        Ok(snapshots.into_iter().filter(|snapshot| snapshot.key == key).collect())
    }

    /// Waits until the document has been shown this often, each time from the back/forward cache or not.
    pub async fn await_page_shows(&self, expected: &[bool]) -> Result<()> {
        let what = format!("a document that was shown with `persisted` {expected:?}");
        self.browser
            .await_value(&what, "return recorder.persisted", |seen: &Vec<bool>| seen == expected)
            .await?;
        Ok(())
    }

    /// Returns the calls that this document has sent, in order, except the one for the list of services.
    pub async fn requests(&self) -> Result<Vec<SentRequest>> {
        let requests: Vec<SentRequest> = self.browser.read("return recorder.requests").await?;
        // The recorder also sees the fetch of the page's program.
        let is_call = |request: &SentRequest| {
            request.headers.contains_key("x-grpc-web")
                && request.path != "/drawbridge.calls.v1.Calls/Services"
        };
        Ok(requests.into_iter().filter(is_call).collect())
    }

    /// Returns the position and size of each element that `css` selects, rounded to pixels.
    pub async fn layout(&self, css: &str) -> Result<Vec<String>> {
        let script = format!(
            "return [...document.querySelectorAll({css:?})].map((element) => {{
               const {{ x, y, width, height }} = element.getBoundingClientRect();
               const box = [x + scrollX, y + scrollY, width, height].map(Math.round);
               return `${{element.localName}}.${{element.className}} ${{box}}`;
             }})"
        );
        self.browser.read(&script).await
    }

    /// Waits until the rows of the waterfall match, and returns them.
    pub async fn await_rows(&self, what: &str, matches: impl Fn(&[Row]) -> bool) -> Result<Vec<Row>> {
        let script = "return [...document.querySelectorAll('#waterfall tbody tr')].map((row) => ({
            kind: row.dataset.kind,
            depth: row.dataset.depth,
            name: row.querySelector('th').textContent,
            figures: [...row.querySelectorAll('[data-head]')].map((cell) => cell.textContent),
            end: row.querySelector('.end').textContent,
          }))";
        let matches = |rows: &Vec<Row>| matches(rows);
        self.browser.await_value(&format!("a waterfall {what}"), script, matches).await
    }

    /// Returns the request id of the last call to `path`.
    pub async fn request_id(&self, path: &str) -> Result<String> {
        let requests = self.requests().await?;
        let call = requests.iter().rev().find(|request| request.path == path);
        call.and_then(|call| call.headers.get("x-request-id").cloned())
            .with_context(|| format!("no call to {path} with a request id was sent: {requests:?}"))
    }

    /// Returns the errors in the console.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        self.browser.read("return recorder.errors").await
    }
}
