//! Which buckets are due, as the database is asked.

use super::{DueBuckets, HeldDays};
use domain::{Class, FiscalYear, RETENTION_DAYS_DEFAULT, Timestamp, WEB_DAYS, last_day_due};
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

// Few organisations have days of their own, so most buckets are found by class and bucket alone.
macro_rules! due {
    ($from:literal) => {
        concat!(
            "WITH usual AS (
                SELECT b.* FROM unnest($1::smallint[], $2::integer[]) AS t(class, last) JOIN keyring.bucket b ON b.class = t.class AND b.bucket <= t.last
                WHERE b.destroyed_at IS NULL AND NOT (b.class = $3 AND b.organization = ANY($4::uuid[]))
            ), own AS (
                SELECT b.* FROM unnest($4::uuid[], $5::integer[]) AS t(organization, last)
                JOIN keyring.bucket b ON b.organization = t.organization AND b.class = $3 AND b.bucket <= t.last WHERE b.destroyed_at IS NULL
            ), held AS (
                SELECT * FROM unnest($6::uuid[], $7::smallint[], $8::integer[], $9::integer[]) AS h(organization, class, first, last)
            ), due AS (
                SELECT id, organization, class, bucket FROM (SELECT * FROM usual UNION ALL SELECT * FROM own) b
                WHERE NOT EXISTS (SELECT FROM held h WHERE h.organization = b.organization AND h.class = b.class AND b.bucket BETWEEN h.first AND h.last)
            ) ",
            $from
        )
    };
}

// At most two days of an organisation in one look: a mistake is noticed before all is gone.
pub(super) const DUE: &str = due!(
    "SELECT id, organization, class, bucket
    FROM (SELECT *, row_number() OVER (PARTITION BY organization, class ORDER BY bucket) AS place FROM due) due
    WHERE place <= 2 ORDER BY bucket, id LIMIT 10000"
);
pub(super) const COUNT: &str = due!("SELECT count(*) FROM due");
impl DueBuckets {
    /// What is due where nobody decided anything.
    pub fn usual(at: Timestamp) -> Self {
        Self { at, days: BTreeMap::new(), held: Vec::new() }
    }
}

/// The parameters of the statements that look for due buckets.
pub(super) struct DueColumns {
    classes: Vec<i16>,
    lasts: Vec<i32>,
    ops: i16,
    organizations: Vec<Uuid>,
    organization_lasts: Vec<i32>,
    held_organizations: Vec<Uuid>,
    held_classes: Vec<i16>,
    held_firsts: Vec<i32>,
    held_lasts: Vec<i32>,
}

impl DueColumns {
    pub(super) fn of(due: &DueBuckets) -> Self {
        let (ops, web) = (last_day_due(RETENTION_DAYS_DEFAULT, due.at), last_day_due(WEB_DAYS, due.at));
        let mut columns = Self {
            classes: vec![Class::Ops.number(), Class::Web.number(), Class::Fin.number()],
            lasts: vec![ops.0, web.0, FiscalYear::last_due(due.at.day()).0],
            ops: Class::Ops.number(),
            organizations: due.days.keys().map(|organization| organization.0).collect(),
            organization_lasts: due.days.values().map(|day| day.0).collect(),
            held_organizations: vec![],
            held_classes: vec![],
            held_firsts: vec![],
            held_lasts: vec![],
        };
        for HeldDays { organization, from, until } in &due.held {
            let (first, last) = FiscalYear::touching(*from, *until);
            for (class, first, last) in [(Class::Ops, from.0, until.0), (Class::Web, from.0, until.0), (Class::Fin, first.0, last.0)] {
                columns.held_organizations.push(organization.0);
                columns.held_classes.push(class.number());
                columns.held_firsts.push(first);
                columns.held_lasts.push(last);
            }
        }
        columns
    }

    pub(super) fn arguments(&self) -> [&(dyn ToSql + Sync); 9] {
        [
            &self.classes,
            &self.lasts,
            &self.ops,
            &self.organizations,
            &self.organization_lasts,
            &self.held_organizations,
            &self.held_classes,
            &self.held_firsts,
            &self.held_lasts,
        ]
    }
}
