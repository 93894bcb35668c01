// SPDX-License-Identifier: Apache-2.0
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tonic::transport::Channel;

use crate::servers::Servers;
use crate::v1::config_service_client::ConfigServiceClient;
use crate::v1::registry_service_client::RegistryServiceClient;
use crate::v1::{
    BatchGetConfigRequest, BatchGetConfigResponse, ChangeRecord, GetConfigRequest, GetConfigResponse, GetSchemeRequest,
    GetSchemeResponse, GetTemplateRequest, GetTemplateResponse, ListCatalogsRequest, ListCatalogsResponse,
    ListChangesRequest, ListChangesResponse, ListSchemesRequest, ListSchemesResponse, ListTemplatesRequest,
    ListTemplatesResponse, LlmTemplate, PlanLayersRequest, PlanLayersResponse, RegisterSchemeRequest,
    RegisterSchemeResponse, RegisterTemplateRequest, RegisterTemplateResponse, Scheme, SetDefaultCatalogRequest,
    SetDefaultCatalogResponse, UnregisterSchemeRequest, UnregisterSchemeResponse, UnregisterTemplateRequest,
    UnregisterTemplateResponse, WhoAmIRequest, WhoAmIResponse,
};
use crate::{Builder, Error};

/// The server's limit for a response.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Calls a qconfig server.
///
/// Cheap to clone and safe to share; a process needs only one. The connections close when the last clone is dropped.
/// Neither errors nor `Debug` output have a part of the token.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    servers: Servers,
    tenant: String,
    catalog: String,
}

impl Client {
    /// Returns a builder with default options.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(servers: Servers, tenant: String, catalog: String, timeout: Duration) -> Self {
        Self { shared: Arc::new(Shared { servers, tenant, catalog }), timeout }
    }

    /// Returns this client with another timeout for calls, including their retries.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Returns the configuration for a model type and a scheme.
    pub async fn get_config(&self, mut request: GetConfigRequest) -> Result<GetConfigResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_config(request).await })
            .await
    }

    /// Sends up to 1,000 requests in one call. A failed item does not affect the others.
    pub async fn batch_get_config(&self, mut request: BatchGetConfigRequest) -> Result<BatchGetConfigResponse, Error> {
        for item in &mut request.requests {
            self.fill_in(&mut item.tenant, &mut item.catalog);
        }
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { config(channel).batch_get_config(request).await },
            )
            .await
    }

    /// Computes what a configuration does to each module of a model, and reports what is wrong with it.
    pub async fn plan_layers(&self, mut request: PlanLayersRequest) -> Result<PlanLayersResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).plan_layers(request).await })
            .await
    }

    /// Returns one page of the templates that are visible to the tenant.
    pub async fn list_templates(&self, mut request: ListTemplatesRequest) -> Result<ListTemplatesResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { config(channel).list_templates(request).await },
            )
            .await
    }

    /// Streams the templates of the requested page and all pages after it. Reads each page when it is needed.
    pub fn all_templates(
        &self,
        request: ListTemplatesRequest,
    ) -> impl Stream<Item = Result<LlmTemplate, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListTemplatesRequest { page_token, ..request.clone() });
            async move { client.list_templates(request).await.map(|page| (page.llm_templates, page.next_page_token)) }
        })
    }

    /// Returns a template.
    pub async fn get_template(&self, mut request: GetTemplateRequest) -> Result<GetTemplateResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_template(request).await })
            .await
    }

    /// Returns one page of the schemes that are visible to the tenant.
    pub async fn list_schemes(&self, mut request: ListSchemesRequest) -> Result<ListSchemesResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).list_schemes(request).await })
            .await
    }

    /// Streams the schemes of the requested page and all pages after it. Reads each page when it is needed.
    pub fn all_schemes(
        &self,
        request: ListSchemesRequest,
    ) -> impl Stream<Item = Result<Scheme, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListSchemesRequest { page_token, ..request.clone() });
            async move { client.list_schemes(request).await.map(|page| (page.schemes, page.next_page_token)) }
        })
    }

    /// Returns a scheme.
    pub async fn get_scheme(&self, mut request: GetSchemeRequest) -> Result<GetSchemeResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_scheme(request).await })
            .await
    }

    /// Returns the server's catalogues.
    pub async fn list_catalogs(&self, mut request: ListCatalogsRequest) -> Result<ListCatalogsResponse, Error> {
        self.fill_in_tenant(&mut request.tenant);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).list_catalogs(request).await })
            .await
    }

    /// Returns who the caller is for the server, and what the caller may do.
    pub async fn who_am_i(&self, request: WhoAmIRequest) -> Result<WhoAmIResponse, Error> {
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).who_am_i(request).await })
            .await
    }

    /// Adds a scheme, or replaces the tenant's scheme of the same name if the request sets `replace` or `etag`.
    ///
    /// The client sets a random `request_id` on writes that have none, so that its retries are idempotent. After
    /// UNAVAILABLE or DEADLINE_EXCEEDED the write may have been applied: to retry it safely, set your own `request_id` and
    /// reuse it.
    pub async fn register_scheme(&self, mut request: RegisterSchemeRequest) -> Result<RegisterSchemeResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { registry(channel).register_scheme(request).await },
            )
            .await
    }

    /// Removes a scheme from the tenant's registry. For retries, see [`register_scheme`](Self::register_scheme).
    pub async fn unregister_scheme(
        &self,
        mut request: UnregisterSchemeRequest,
    ) -> Result<UnregisterSchemeResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).unregister_scheme(request).await
            })
            .await
    }

    /// Adds a template, or replaces the tenant's template for the model type unless the request sets `must_be_new`. For
    /// retries, see [`register_scheme`](Self::register_scheme).
    pub async fn register_template(
        &self,
        mut request: RegisterTemplateRequest,
    ) -> Result<RegisterTemplateResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).register_template(request).await
            })
            .await
    }

    /// Removes a template from the tenant's registry. For retries, see [`register_scheme`](Self::register_scheme).
    pub async fn unregister_template(
        &self,
        mut request: UnregisterTemplateRequest,
    ) -> Result<UnregisterTemplateResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).unregister_template(request).await
            })
            .await
    }

    /// Sets the catalogue that the tenant's requests use by default. The request must set `catalog`: the client does not
    /// fill in its own. For retries, see [`register_scheme`](Self::register_scheme).
    pub async fn set_default_catalog(
        &self,
        mut request: SetDefaultCatalogRequest,
    ) -> Result<SetDefaultCatalogResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).set_default_catalog(request).await
            })
            .await
    }

    /// Returns one page of the writes to the tenant's registry, newest first.
    pub async fn list_changes(&self, mut request: ListChangesRequest) -> Result<ListChangesResponse, Error> {
        self.fill_in_tenant(&mut request.tenant);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { registry(channel).list_changes(request).await },
            )
            .await
    }

    /// Streams the writes of the requested page and all pages after it, newest first. Reads each page when it is needed.
    pub fn all_changes(
        &self,
        request: ListChangesRequest,
    ) -> impl Stream<Item = Result<ChangeRecord, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListChangesRequest { page_token, ..request.clone() });
            async move { client.list_changes(request).await.map(|page| (page.changes, page.next_page_token)) }
        })
    }

    fn fill_in_tenant(&self, tenant: &mut String) {
        if tenant.is_empty() {
            tenant.clone_from(&self.shared.tenant);
        }
    }

    fn fill_in(&self, tenant: &mut String, catalog: &mut String) {
        self.fill_in_tenant(tenant);
        if catalog.is_empty() {
            catalog.clone_from(&self.shared.catalog);
        }
    }

    fn fill_in_write(&self, tenant: &mut String, request_id: &mut String) {
        self.fill_in_tenant(tenant);
        if request_id.is_empty() {
            *request_id = uuid::Uuid::new_v4().to_string();
        }
    }
}

/// Streams the entries of a page and all pages after it. `read` returns the entries of a page and the next page token.
fn pages<T, F>(
    first: String,
    read: impl Fn(String) -> F + Send + 'static,
) -> impl Stream<Item = Result<T, Error>> + Send + Unpin
where
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, String), Error>> + Send + 'static,
{
    stream::try_unfold(Some(first), move |token| {
        let page = token.map(&read);
        async move {
            let Some(page) = page else { return Ok::<_, Error>(None) };
            let (entries, next) = page.await?;
            Ok(Some((stream::iter(entries.into_iter().map(Ok)), Some(next).filter(|token| !token.is_empty()))))
        }
    })
    .try_flatten()
    .boxed()
}

fn config(channel: Channel) -> ConfigServiceClient<Channel> {
    ConfigServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES)
}

fn registry(channel: Channel) -> RegistryServiceClient<Channel> {
    RegistryServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES)
}
