//! What a data product consists of: its items, their sizes and their metadata, as the SKA Data
//! Lifecycle Management services are told of them. It reads trees and files and decides nothing.
