//! The development org, over real sockets: what an app meets when everything is right, and when it is not.

mod config;
mod faults;
mod flow;
mod keys;
mod logout;
mod metadata;
mod page;
mod requests;
mod support;
mod tokens;
