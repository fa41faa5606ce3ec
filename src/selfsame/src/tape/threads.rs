//! What may go to another thread.
//!
//! Everything with parameters may, on the CPU. dfdx's `Cuda` holds pointers of the driver and is neither `Send` nor `Sync`, so that
//! with the `cuda` feature nothing generic over devices can promise it.

/// `Send`, but with the `cuda` feature, where it asks for nothing: dfdx's `Cuda` is not `Send`.
#[cfg(not(feature = "cuda"))]
pub trait MaySend: Send {}
#[cfg(not(feature = "cuda"))]
impl<T: Send + ?Sized> MaySend for T {}

/// `Send`, but with the `cuda` feature, where it asks for nothing: dfdx's `Cuda` is not `Send`.
#[cfg(feature = "cuda")]
pub trait MaySend {}
#[cfg(feature = "cuda")]
impl<T: ?Sized> MaySend for T {}

/// `Sync`, but with the `cuda` feature, where it asks for nothing: dfdx's `Cuda` is not `Sync`.
#[cfg(not(feature = "cuda"))]
pub trait MaySync: Sync {}
#[cfg(not(feature = "cuda"))]
impl<T: Sync + ?Sized> MaySync for T {}

/// `Sync`, but with the `cuda` feature, where it asks for nothing: dfdx's `Cuda` is not `Sync`.
#[cfg(feature = "cuda")]
pub trait MaySync {}
#[cfg(feature = "cuda")]
impl<T: ?Sized> MaySync for T {}
