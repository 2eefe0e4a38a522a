// cfile on Azure Container Apps: signs in everywhere with one managed identity, keeps its secrets in Key Vault, its
// records in Azure Managed Redis and its copies in Blob Storage.

targetScope = 'subscription'

@minLength(1)
@maxLength(24)
@description('Name of the environment; the names of all resources follow from it.')
param environmentName string

@description('Region of all resources but the Azure OpenAI resource, which exists already.')
param location string

@description('Name of the Azure OpenAI or Foundry resource, in this subscription.')
param openAiName string

@description('Resource group of that resource.')
param openAiResourceGroup string

@secure()
@description('CFILE_API_KEYS: owner:key with commas between them, each key of 16 characters or more.')
param apiKeys string

@secure()
@description('CFILE_SIGNING_KEYS: kid:secret with commas between them, each secret of 32 bytes or more.')
param signingKeys string

@description('Image that runs. azd sets it at each deployment; the first provisioning has none yet.')
param imageName string = ''

var suffix = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: { name: 'id-cfile-${suffix}', location: location, tags: tags }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: { name: 'cr${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module archive 'modules/archive.bicep' = {
  name: 'archive'
  scope: group
  params: { name: 'st${suffix}', location: location, tags: tags, principalId: identity.outputs.principalId }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    apiKeys: apiKeys
    signingKeys: signingKeys
  }
}

module store 'modules/store.bicep' = {
  name: 'store'
  scope: group
  params: { name: 'redis-${suffix}', location: location, tags: tags, vaultName: vault.outputs.name }
}

module upstream 'modules/upstream.bicep' = {
  name: 'upstream-${suffix}'
  scope: resourceGroup(openAiResourceGroup)
  params: { name: openAiName, principalId: identity.outputs.principalId }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'ca-cfile-${suffix}'
    location: location
    tags: tags
    imageName: imageName
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    registryServer: registry.outputs.loginServer
    openAiEndpoint: upstream.outputs.endpoint
    archiveUrl: archive.outputs.containerUrl
    vaultUri: vault.outputs.uri
  }
  // The secret of the store must be there before the app refers to it.
  dependsOn: [store]
}

// azd pushes the image here.
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.loginServer
output CFILE_URL string = app.outputs.url
