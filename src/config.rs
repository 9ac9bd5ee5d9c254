//! Settings.
mod dotenv;
mod secret;
mod shown;
