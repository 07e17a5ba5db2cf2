//! Countersign adapter for Amazon Cognito user pools
