//! The faults that a test can enable: one for each problem that a relying party must
//! detect.

mod active;
mod api;
mod catalog;
mod device;
mod id_jag;
mod milliseconds;

pub(crate) use active::ActiveFaults;
pub use api::ApiFault;
pub use catalog::Fault;
pub use device::DeviceFault;
pub use id_jag::IdJagFault;
