//! The faults that a test can enable: one for each problem that a relying party must detect.

mod active;
mod api;
mod catalog;
mod device;
mod dpop;
mod id_jag;
mod jwe;
mod milliseconds;
mod par;
mod replaces;

pub(crate) use active::ActiveFaults;
pub use api::ApiFault;
pub use catalog::Fault;
pub use device::DeviceFault;
pub use dpop::DpopFault;
pub use id_jag::IdJagFault;
pub use jwe::JweFault;
pub use par::ParFault;
