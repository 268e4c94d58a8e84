//! The HTTP interface as clients meet it: a real server on a real port, PostgreSQL, vault, commands and projections behind it.

mod api {
    mod bodies;
    mod data_reads;
    mod erasing;
    mod installation;
    mod limits;
    mod log_files;
    mod nodes;
    mod pages;
    mod past;
    mod peers;
    mod refusals;
    mod rest;
    mod retention;
    mod rights;
    mod schema;
    mod streams;
    mod tenancy;
    mod thin_path;
}
