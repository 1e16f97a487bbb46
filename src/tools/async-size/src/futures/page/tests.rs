//! The page, as text and in a browser.

use std::fs;
use std::process::Command;

use which::which;

use super::*;
use crate::futures::model::tests::group;

/// The names of Chromium, as systems have it.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// What keeps it from looking for anything on the network, and from a display.
const HEADLESS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--virtual-time-budget=5000",
];

/// A page whose future is written in a file that would end a script.
fn page() -> String {
    let mut group = group();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("main.rs");
    let text = "// </script><script>document.title = 'broken'</script> & <b>\n".to_owned()
        + &"async fn serve() {}\n".repeat(30);
    fs::write(&path, text).unwrap();
    for future in &mut group.futures {
        if let Some(source) = &mut future.source {
            source.file = path.clone();
        }
    }
    let groups = [group];
    let files = Files::new(&groups, folder.path());
    render("rustc <1> & co", &[Variant::off(), Variant::on()], &groups, &files).unwrap()
}

/// What a browser makes of the page with this fragment in its address, after `script` has run.
fn dom(fragment: &str, script: &str) -> String {
    let chromium = CHROMIUM.iter().find_map(|name| which(name).ok());
    let chromium = chromium.expect("this takes Chromium: apt-get install chromium");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, format!("{}<script>{script}</script>\n", page())).unwrap();
    let output = Command::new(chromium)
        .args(HEADLESS)
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg("--dump-dom")
        .arg(format!("file://{}#{fragment}", file.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && !dom.is_empty(), "{output:?}", output = output.stderr);
    dom
}

/// The part of the document from `start` to `end`.
fn part<'a>(dom: &'a str, start: &str, end: &str) -> &'a str {
    let (_, behind) = dom.split_once(start).unwrap_or_else(|| panic!("no {start} in {dom}"));
    behind.split_once(end).unwrap_or_else(|| panic!("no {end} in {dom}")).0
}

#[test]
fn nothing_in_the_data_ends_the_script() {
    let page = page();
    // Those of the page itself.
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!(page.matches("<script").count(), 2);
    let data = part(&page, "id=\"data\">", "</script>");
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let text = data["files"].as_object().unwrap().values().next().unwrap()["text"].as_str();
    assert!(text.unwrap().starts_with("// </script><script>"));
    assert_eq!(data["groups"][0]["futures"][0]["short"], "app::serve");
}

#[test]
fn the_page_names_nothing_that_it_would_load() {
    let page = page();
    assert!(page.contains("default-src 'none'"));
    for word in ["src=", "@import", "url(h", "<link", "fetch("] {
        assert!(!page.contains(word), "{word}");
    }
    let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!without_namespace.contains("://"));
}

#[test]
fn every_slot_is_filled() {
    let page = page();
    assert!(SLOTS.iter().all(|slot| !page.contains(slot)));
    assert!(page.contains("\"compiler\":\"rustc \\u003c1> & co\""));
}

#[test]
#[ignore = "needs chromium"]
fn a_browser_shows_the_largest_future_first_and_in_full() {
    let dom = dom("", "");
    assert!(dom.contains("<title>Futures</title>"), "{dom}");
    let table = part(&dom, "<tbody id=\"futures\">", "</tbody>");
    assert!(table.find("app::serve").unwrap() < table.find("app::read").unwrap(), "{table}");
    let future = part(&dom, "<article", "</article>");
    for text in [
        "What its 96 bytes are for",
        "buffer: [u8; 64], 64 bytes",
        "inlined: its awaitee is a part of this future",
        "Ready&lt;&lt;/script&gt;&gt;",
        "The states of app::serve",
        "Suspend0",
    ] {
        assert!(future.contains(text), "{text} is not in {future}");
    }
}

#[test]
#[ignore = "needs chromium"]
fn a_click_on_a_column_orders_by_it() {
    let click = "document.querySelectorAll('th button')[0].click()";
    let dom = dom("", click);
    let table = part(&dom, "<tbody id=\"futures\">", "</tbody>");
    assert!(table.find("app::read").unwrap() < table.find("app::serve").unwrap(), "{table}");
    assert!(dom.contains("aria-sort=\"ascending\""), "{dom}");
}

#[test]
#[ignore = "needs chromium"]
fn a_link_shows_the_source() {
    let click = "document.querySelector('#future a[href*=\"at=\"]').click()";
    let dom = dom("future=0&build=off", click);
    assert!(dom.contains("What its 160 bytes are for"), "{dom}");
    let source = part(&dom, "<aside", "</aside>");
    assert!(source.contains("// &lt;/script&gt;"), "{source}");
    assert!(source.contains("data-line=\"9\" class=\"here\""), "{source}");
}

#[test]
#[ignore = "needs chromium"]
fn a_search_leaves_what_is_meant() {
    let dom = dom("find=read", "");
    let table = part(&dom, "<tbody id=\"futures\">", "</tbody>");
    assert!(table.contains("app::read") && !table.contains("app::serve"), "{table}");
}
