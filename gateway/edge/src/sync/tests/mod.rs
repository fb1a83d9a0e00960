//! The link against a broker and hub in the same process that lose, break, lie and forget.

mod campaign_end;
mod documents;
mod filters;
mod hub;
mod link;
mod orders;
mod questions;
mod world;
