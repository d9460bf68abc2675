//! Somebody who visits the page.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use fantoccini::{Locator, key::Key};
use serde::Deserialize;

use crate::{BackForwardCache, Browser, Call, STREAM, Server};

/// A server of its own, and a browser that has its page open.
pub struct Visit {
    /// The server that the page comes from and calls.
    pub server: Server,
    /// The browser that shows the page.
    pub browser: Browser,
}

/// The card of one stream, as the page shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Card {
    /// `opening`, `streaming`, `completed`, `cancelled` or `failed`.
    pub state: String,
    /// The messages, as they came.
    pub messages: Vec<String>,
    /// How far the bar is, of ten.
    pub progress: f64,
    /// Why it failed.
    pub reason: Option<String>,
    /// What its button does: `cancel` or `again`.
    pub action: Option<String>,
}

/// What a card showed for a moment, written down in the page itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Glimpse {
    /// The stream's key.
    pub key: String,
    /// The card's state.
    pub state: String,
    /// How many messages it showed.
    pub messages: usize,
    /// Milliseconds since the Unix epoch.
    at: f64,
}

/// A row of the waterfall.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Row {
    /// `attempt`, `hop`, `query`, `wait`, `skipped` or `unknown`.
    pub kind: String,
    /// How many rows it stands under.
    pub depth: String,
    /// What it is.
    pub name: String,
    /// When it began, what was asked, what was granted and how long it took, as they are written.
    pub figures: [String; 4],
    /// How it ended.
    pub end: String,
}

/// A request that the page made itself, as the browser was asked to send it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sent {
    /// The path of the address.
    pub path: String,
    /// The headers, with lower-case names. Values of the same name are joined by commas.
    pub headers: HashMap<String, String>,
}

impl Glimpse {
    /// Returns when it was, by the page's clock.
    pub fn at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs_f64(self.at / 1000.0)
    }
}

impl Visit {
    /// Starts a server and a browser, and opens `path`.
    pub async fn start(path: &str) -> Result<Self> {
        Self::start_with(BackForwardCache::On, path).await
    }

    /// Starts a server that speaks HTTPS and a browser, and opens `path`.
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

    /// Opens `path` and waits until the page has drawn itself.
    pub async fn open(&self, path: &str) -> Result<()> {
        self.browser.goto(&self.server.url(path)).await?;
        self.await_drawn().await
    }

    /// Waits until the page has drawn itself.
    pub async fn await_drawn(&self) -> Result<()> {
        let script = "return document.querySelector('header:has(nav) + main > *') !== null";
        self.browser.await_value("the page's navigation and a view", script, |drawn| *drawn).await?;
        Ok(())
    }

    /// Follows the link to a view.
    pub async fn follow(&self, path: &str) -> Result<()> {
        self.browser.click(&format!("nav a[href='{path}']")).await
    }

    /// Types `text` into a field, in place of what is there.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<()> {
        self.browser
            .await_value(css, &format!("return !!document.querySelector({css:?})"), |found| *found)
            .await?;
        let field = self.browser.client().find(Locator::Css(css)).await?;
        field.clear().await?;
        // A driver clears a field without the event that typing brings, so nothing is typed as something and its removal.
        let nothing = format!(" {}", char::from(Key::Backspace));
        Ok(field.send_keys(if text.is_empty() { &nothing } else { text }).await?)
    }

    /// Types a key into the key field, and presses Enter.
    pub async fn enter(&self, key: &str) -> Result<()> {
        self.type_into("#key", &(key.to_owned() + &Key::Enter)).await
    }

    /// Opens a stream, and waits until its first message is shown. Returns the server's side of it.
    pub async fn stream(&self, key: &str) -> Result<Call> {
        self.enter(key).await?;
        let call = self.server.next_call(STREAM).await?;
        self.await_card(key, "with a first message", |card| !card.messages.is_empty()).await?;
        Ok(call)
    }

    /// Waits until the stream of `key` has a card that is as `wanted`.
    pub async fn await_card(&self, key: &str, what: &str, wanted: impl Fn(&Card) -> bool) -> Result<Card> {
        let script = format!(
            "const card = [...document.querySelectorAll('#streams > li')].find((card) => card.dataset.key === {key:?});
             return {{
               state: card.dataset.state,
               messages: [...card.querySelectorAll('.messages > li')].map((message) => message.textContent),
               progress: card.querySelector('progress').value,
               reason: card.querySelector('.reason')?.textContent,
               action: card.querySelector('button')?.dataset.action,
             }}"
        );
        self.browser.await_value(&format!("a card for {key:?} {what}"), &script, wanted).await
    }

    /// Waits until the stream of `key` is in `state`.
    pub async fn await_state(&self, key: &str, state: &str) -> Result<Card> {
        self.await_card(key, &format!("that says {state}"), |card| card.state == state).await
    }

    /// Presses the button on the card of `key`.
    pub async fn press_button(&self, key: &str) -> Result<()> {
        self.browser.click(&format!("#streams > li[data-key={key:?}] button")).await
    }

    /// Waits until what `css` selects has a text that is as `wanted`, and returns it.
    pub async fn await_text(&self, css: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let script = format!("return document.querySelector({css:?}).textContent.trim()");
        self.browser.await_value(&format!("words in `{css}`"), &script, |words: &String| wanted(words)).await
    }

    /// Waits until the page says which streams it dropped when it was left, and returns its words.
    pub async fn await_left(&self) -> Result<String> {
        let script = "return document.querySelector('#left')?.textContent ?? ''";
        self.browser
            .await_value("a word on what was dropped", script, |words: &String| !words.is_empty())
            .await
    }

    /// Waits until the list of running keys is as `wanted`, and returns it.
    pub async fn await_running(&self, what: &str, wanted: impl Fn(&String) -> bool) -> Result<String> {
        self.browser.await_value(what, "return document.querySelector('#running').textContent", wanted).await
    }

    /// Returns what the card of `key` has shown since the document was loaded, in order.
    pub async fn glimpses(&self, key: &str) -> Result<Vec<Glimpse>> {
        let glimpses: Vec<Glimpse> = self.browser.read("return witness.glimpses").await?;
        Ok(glimpses.into_iter().filter(|glimpse| glimpse.key == key).collect())
    }

    /// Waits until this document was shown as `wanted`: for each time whether it came from the back/forward cache.
    pub async fn await_shown(&self, wanted: &[bool]) -> Result<()> {
        let what = format!("a document that was shown with `persisted` {wanted:?}");
        self.browser
            .await_value(&what, "return witness.persisted", |seen: &Vec<bool>| seen == wanted)
            .await?;
        Ok(())
    }

    /// Returns the calls that this document has sent, in order, but for its question which services there are.
    pub async fn sent(&self) -> Result<Vec<Sent>> {
        let requests: Vec<Sent> = self.browser.read("return witness.requests").await?;
        // The page's program is fetched too.
        let of_views = |request: &Sent| {
            request.headers.contains_key("x-grpc-web")
                && request.path != "/drawbridge.calls.v1.Calls/Services"
        };
        Ok(requests.into_iter().filter(of_views).collect())
    }

    /// Returns where everything is that `css` selects, each in one line, to the pixel.
    pub async fn places(&self, css: &str) -> Result<Vec<String>> {
        let script = format!(
            "return [...document.querySelectorAll({css:?})].map((element) => {{
               const {{ x, y, width, height }} = element.getBoundingClientRect();
               const place = [x + scrollX, y + scrollY, width, height].map(Math.round);
               return `${{element.localName}}.${{element.className}} ${{place}}`;
             }})"
        );
        self.browser.read(&script).await
    }

    /// Waits until the rows of the waterfall are as `wanted`, and returns them.
    pub async fn await_rows(&self, what: &str, wanted: impl Fn(&[Row]) -> bool) -> Result<Vec<Row>> {
        let script = "return [...document.querySelectorAll('#waterfall tbody tr')].map((row) => ({
            kind: row.dataset.kind,
            depth: row.dataset.depth,
            name: row.querySelector('th').textContent,
            figures: [...row.querySelectorAll('[data-head]')].map((cell) => cell.textContent),
            end: row.querySelector('.end').textContent,
          }))";
        let wanted = |rows: &Vec<Row>| wanted(rows);
        self.browser.await_value(&format!("a waterfall {what}"), script, wanted).await
    }

    /// Returns the label that the last call to `path` carried.
    pub async fn request_id(&self, path: &str) -> Result<String> {
        let sent = self.sent().await?;
        let call = sent.iter().rev().find(|sent| sent.path == path);
        call.and_then(|call| call.headers.get("x-request-id").cloned())
            .with_context(|| format!("no call to {path} with a label was sent: {sent:?}"))
    }

    /// Returns the errors that only the console was told.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        self.browser.read("return witness.errors").await
    }
}
