// Azure Managed Redis, which holds the records. Its URL with the key goes straight into the vault.

param name string
param location string
param tags object
param vaultName string

@description('Balanced_B0 is the smallest.')
param skuName string = 'Balanced_B0'

resource redis 'Microsoft.Cache/redisEnterprise@2025-04-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: skuName }
  properties: { minimumTlsVersion: '1.2' }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-04-01' = {
  parent: redis
  name: 'default'
  properties: {
    port: 10000
    clientProtocol: 'Encrypted'
    // One endpoint, as for a single server: cfile's client does not speak the cluster protocol.
    clusteringPolicy: 'EnterpriseCluster'
    // Records must not be dropped for want of memory: they say whose a file is.
    evictionPolicy: 'NoEviction'
    accessKeysAuthentication: 'Enabled'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource storeSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'cfile-store'
  properties: {
    value: 'rediss://:${uriComponent(database.listKeys().primaryKey)}@${redis.properties.hostName}:${database.properties.port}'
  }
}
