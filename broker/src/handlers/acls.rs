//! Access rules (keys 29, 30 and 31): security is off, which is error 54 and what tools expect.

use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::create_acls::AclCreationResult;
use crate::protocol::messages::delete_acls::DeleteAclsFilterResult;
use crate::protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest,
    DescribeAclsResponse,
};

const MESSAGE: &str = "No Authorizer is configured on the broker.";

pub(crate) async fn describe(_: &Context, _: DescribeAclsRequest) -> DescribeAclsResponse {
    DescribeAclsResponse {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(MESSAGE.to_owned()),
        ..Default::default()
    }
}

pub(crate) async fn create(_: &Context, request: CreateAclsRequest) -> CreateAclsResponse {
    let refused = |_| AclCreationResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(MESSAGE.to_owned()),
    };
    CreateAclsResponse { results: request.creations.iter().map(refused).collect(), ..Default::default() }
}

pub(crate) async fn delete(_: &Context, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = |_| DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled.code(),
        error_message: Some(MESSAGE.to_owned()),
        ..Default::default()
    };
    DeleteAclsResponse { filter_results: request.filters.iter().map(refused).collect(), ..Default::default() }
}
