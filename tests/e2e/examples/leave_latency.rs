//! Measures how long a call stays open on the server after its user has left the page.
//!
//! ```text
//! cargo build --release --package drawbridge && trunk build --release
//! DRAWBRIDGE_BIN=target/release/drawbridge DRAWBRIDGE_PAGE=dist \
//!     cargo run --package drawbridge-e2e --example leave_latency -- 50
//! ```
//!
//! The argument is the number of streams to open and leave by each way. Two latencies are measured, both to the timestamp of
//! `client gone` in the server's log: from the page's last event (the click, `popstate` or `pagehide`, by `Date.now()`), and
//! from the WebDriver command. The second includes what the browser does first, such as loading the next page. Browser and
//! server use the clock of one machine.
//!
//! The program fails when a latency from the page's event exceeds 100 milliseconds.

use std::{
    env,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use drawbridge_e2e::{BackForwardCache, Visit};

/// The greatest latency from the page's event, in milliseconds.
const BOUND_MS: f64 = 100.0;

/// Stores the time of the last event by which the user may leave, for the next document of the origin.
const RECORD_LEAVE: &str = "
    const record = () => localStorage.setItem('left', Date.now());
    for (const leave of ['click', 'popstate', 'pagehide']) addEventListener(leave, record, true);
";

/// A way to leave the page.
#[derive(Clone, Copy)]
enum Way {
    Link,
    Back,
    Reload,
    Close,
    AwayIntoCache,
    Away,
}

impl Way {
    const ALL: [(Self, &str); 6] = [
        (Self::Link, "a link to another view"),
        (Self::Back, "the back button"),
        (Self::Reload, "reload"),
        (Self::Close, "closing the tab"),
        (Self::AwayIntoCache, "another site, kept in the back/forward cache"),
        (Self::Away, "another site, not kept"),
    ];

    /// Opens *Streams* in a way that allows this way to leave.
    async fn arrive(self, visit: &Visit) -> Result<()> {
        match self {
            Self::Link | Self::Back => {
                visit.open("/greeter").await?;
                visit.follow("/streams").await
            }
            Self::Close => {
                let client = visit.browser.client();
                client.switch_to_window(client.new_window(true).await?.handle).await?;
                visit.browser.inject(RECORD_LEAVE).await?;
                visit.open("/streams").await
            }
            Self::Reload | Self::AwayIntoCache | Self::Away => visit.open("/streams").await,
        }
    }

    /// Leaves, and ends in a document that can read the recorded time.
    async fn leave(self, visit: &Visit) -> Result<()> {
        let client = visit.browser.client();
        match self {
            Self::Link => visit.follow("/greeter").await?,
            Self::Back => client.back().await?,
            Self::Reload => client.refresh().await?,
            Self::Close => {
                client.close_window().await?;
                let first = client.windows().await?.into_iter().next().context("the first tab is open")?;
                client.switch_to_window(first).await?;
            }
            Self::AwayIntoCache | Self::Away => {
                visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
                client.back().await?;
            }
        }
        Ok(())
    }
}

/// The latencies of one stream in milliseconds. They are negative when the browser closes the connection before it notifies
/// the page.
#[derive(Clone, Copy)]
struct Latency {
    page_ms: f64,
    command_ms: f64,
}

async fn measure(way: Way, count: usize) -> Result<Vec<Latency>> {
    let cache = if matches!(way, Way::Away) { BackForwardCache::Off } else { BackForwardCache::On };
    let visit = Visit::start_with(cache, "/").await?;
    visit.browser.inject(RECORD_LEAVE).await?;
    let mut measured = Vec::with_capacity(count);
    for _ in 0..count {
        way.arrive(&visit).await?;
        let call = visit.open_stream("ada").await?;
        visit.browser.read::<()>("localStorage.removeItem('left')").await?;
        let command = SystemTime::now();
        way.leave(&visit).await?;
        let end = call.end().await?;
        ensure!(end.how == "client gone", "the stream ended as {}", end.how);
        let read = "return Number(localStorage.getItem('left'))";
        let left: u64 = visit.browser.await_value("the time of the leave", read, |left| *left > 0).await?;
        let left = SystemTime::UNIX_EPOCH + Duration::from_millis(left);
        measured.push(Latency { page_ms: ms_between(left, end.at), command_ms: ms_between(command, end.at) });
    }
    Ok(measured)
}

/// Returns the signed time from `earlier` to `later` in milliseconds.
fn ms_between(earlier: SystemTime, later: SystemTime) -> f64 {
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    later.duration_since(earlier).map_or_else(|error| -ms(error.duration()), ms)
}

fn median_and_worst(measured: &[Latency], of: impl Fn(&Latency) -> f64) -> (f64, f64) {
    let mut sorted: Vec<f64> = measured.iter().map(of).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let count = env::args()
        .nth(1)
        .map_or(Ok(50), |count| count.parse())
        .context("the argument must be the number of streams for each way")?;
    ensure!(count > 0, "the number of streams must be at least 1");
    println!("{count} streams for each way, milliseconds until the server dropped the stream\n");
    println!("{:46} {:>9} {:>9} {:>9} {:>9}", "", "from page", "", "from command", "");
    println!("{:46} {:>9} {:>9} {:>9} {:>9}", "way", "median", "worst", "median", "worst");
    let mut worst_of_all = f64::MIN;
    for (way, name) in Way::ALL {
        let measured = measure(way, count).await.with_context(|| format!("leaving by {name}"))?;
        let (page_median, page_worst) = median_and_worst(&measured, |latency| latency.page_ms);
        let (command_median, command_worst) = median_and_worst(&measured, |latency| latency.command_ms);
        println!("{name:46} {page_median:>9.1} {page_worst:>9.1} {command_median:>9.1} {command_worst:>9.1}");
        worst_of_all = worst_of_all.max(page_worst);
    }
    ensure!(
        worst_of_all <= BOUND_MS,
        "the greatest latency is {worst_of_all:.1} ms, more than the {BOUND_MS} ms allowed"
    );
    Ok(())
}
