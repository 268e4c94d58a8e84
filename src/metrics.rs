//! `/metrics`: what an operator watches, as Prometheus reads it, on a listener of its own. Names and units stand in docs/metrics.md. No label
//! names an organisation, a person or an address: every value of a label is a word of this program.

mod gauges;

use crate::serve::Foundation;
use crate::service::Service;
use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use anyhow::Context;
use gauges::Watched;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::net::TcpListener;
use tokio::task::JoinHandle;

/// Upper bounds of what is measured in seconds: from a group commit to a client's patience.
const BUCKETS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Counts from now on. Without it, counting does nothing.
pub(crate) fn count() -> anyhow::Result<PrometheusHandle> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS_S)?;
    let handle = builder.install_recorder().context("metrics are counted already")?;
    describe_counter!("lethemail_http_requests_total", "Answered requests, by route template");
    describe_histogram!("lethemail_http_request_duration_seconds", Unit::Seconds, "From a request's head to the head of its answer");
    describe_counter!("lethemail_appends_total", "Appends to the log, by what became of them");
    describe_histogram!("lethemail_append_duration_seconds", Unit::Seconds, "From asking for an append to its answer");
    describe_counter!("lethemail_events_total", "Events that this process appended, by type");
    describe_counter!("lethemail_delivery_recipients_total", "Recipients of whom this process recorded something, by event");
    describe_counter!("lethemail_bucket_looks_total", "Looks for days that have ended, by how they went");
    describe_counter!("lethemail_buckets_destroyed_total", "Buckets whose keys this process destroyed");
    describe_gauge!("lethemail_buckets_overdue", "Buckets that were due and had a key still after the last look");
    Ok(handle)
}

pub(crate) struct MetricsServer {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl MetricsServer {
    pub fn start(foundation: &Foundation, service: &Service, counted: PrometheusHandle, listener: TcpListener) -> anyhow::Result<Self> {
        let watched = Data::new((Watched::new(foundation, service), counted));
        let server = HttpServer::new(move || App::new().app_data(watched.clone()).route("/metrics", web::get().to(show)));
        let server = server.workers(1).disable_signals().listen(listener).context("the metrics' listener cannot be served")?.run();
        Ok(Self { handle: server.handle(), task: tokio::spawn(server) })
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
        if !matches!(self.task.await, Ok(Ok(()))) {
            tracing::error!("the metrics' server failed");
        }
    }
}

async fn show(parts: Data<(Watched, PrometheusHandle)>) -> HttpResponse {
    let (watched, counted) = &**parts;
    let mut text = watched.look().await;
    counted.run_upkeep();
    text.push_str(&counted.render());
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}
