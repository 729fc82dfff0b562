use super::*;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/metrics.md");
const BEGIN: &str = "<!-- written by `make generate` from here -->\n";
const END: &str = "<!-- to here -->\n";

#[tokio::test]
async fn a_write_is_counted_with_what_it_writes_and_how_it_failed() {
    let metrics = Metrics::new();
    metrics.write("event_status", async { Ok(()) }).await.unwrap();
    metrics.write("event_status", async { Err::<(), _>(RequestError::Timeout) }).await.unwrap_err();
    let text = metrics.encode().unwrap();
    assert!(text.contains("cicdcontext_api_writes_total{target=\"event_status\"} 2"), "{text}");
    let failed = "cicdcontext_api_write_errors_total{target=\"event_status\",error=\"Timeout\"} 1";
    assert!(text.contains(failed), "{text}");
}

#[test]
fn a_cache_counts_under_its_name() {
    let metrics = Metrics::new();
    metrics.cache("bases").evictions.inc();
    metrics.cache("bases").bytes.set(7);
    let text = metrics.encode().unwrap();
    assert!(text.contains("cicdcontext_cache_evictions_total{cache=\"bases\"} 1"), "{text}");
    assert!(text.contains("cicdcontext_cache_bytes{cache=\"bases\"} 7"), "{text}");
}

#[test]
fn an_attempt_is_under_way_until_whoever_makes_it_is_done_or_gone() {
    let metrics = Metrics::new();
    let one = metrics.attempt();
    let other = metrics.attempt();
    assert_eq!(metrics.attempts_under_way.get(), 2);
    drop((one, other));
    assert_eq!(metrics.attempts_under_way.get(), 0);
}

#[test]
fn a_reason_that_is_none_of_ours_is_no_label() {
    let metrics = Metrics::new();
    metrics.attempted(Err("canary\"} 1\ncanary"));
    metrics.attempted(Err("ServerError"));
    metrics.attempted(Ok(()));
    let text = metrics.encode().unwrap();
    for line in [
        "cicdcontext_delivery_attempts_total{result=\"Failed\",reason=\"Other\"} 1",
        "cicdcontext_delivery_attempts_total{result=\"Failed\",reason=\"ServerError\"} 1",
        "cicdcontext_delivery_attempts_total{result=\"Succeeded\",reason=\"Delivered\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn what_is_looked_at_is_looked_at_when_somebody_asks() {
    let metrics = Metrics::new();
    metrics.look_before_showing(|metrics| {
        metrics.deliveries_waiting.inc();
    });
    metrics.encode().unwrap();
    let text = metrics.encode().unwrap();
    assert!(text.contains("cicdcontext_deliveries_waiting 2\n"), "{text}");
}

#[test]
fn every_metric_is_shown_under_the_name_that_is_described_and_the_text_is_complete() {
    let metrics = Metrics::new();
    let text = metrics.encode().unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let build = concat!("cicdcontext_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n");
    assert!(text.contains(build), "{text}");
    for described in metrics.described() {
        let family = described.name.strip_suffix("_total").or(described.name.strip_suffix("_info"));
        let family = family.unwrap_or(&described.name);
        let declared = format!("# TYPE {family} {}\n", described.kind);
        // A family of which nothing is counted yet is not shown.
        assert!(text.contains(&declared) || !described.labels.is_empty(), "{declared} in {text}");
    }
    for family in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')) {
        let names = [family.0.to_owned(), format!("{}_total", family.0), format!("{}_info", family.0)];
        assert!(metrics.described().iter().any(|described| names.contains(&described.name)), "{family:?}");
    }
}

/// `METRICS_PAGE=write` has the table written anew: `make generate` does that.
#[test]
fn the_page_of_metrics_shows_all_of_them() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let table = table(Metrics::new().described());
    if std::env::var_os("METRICS_PAGE").is_some_and(|wanted| wanted == "write") {
        std::fs::write(PAGE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(shown, table, "run make generate");
    }
}
