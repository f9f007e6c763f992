//! Progressive delivery.
//!
//! [`controller`] drives one roll-out: move traffic, read back what is served, judge, go on or go back.
//! [`evidence`] gathers what the judge looks at; [`service`] starts, pauses, ends and recovers roll-outs.

mod controller;
mod evidence;
pub mod model;
mod service;
