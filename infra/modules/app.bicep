// The app, its environment and its log.

param name string
param location string
param tags object

@description('Empty at the first provisioning: a placeholder runs until azd deploys the image.')
param imageName string

param identityId string
param identityClientId string
param registryServer string
param openAiEndpoint string
param archiveUrl string
param vaultUri string

param minReplicas int = 2
param maxReplicas int = 10

var port = 8787
var hasImage = !empty(imageName)
var placeholder = 'mcr.microsoft.com/azuredocs/containerapps-helloworld:latest'
var url = 'https://${name}.${environment.properties.defaultDomain}'

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: 'cae-${name}'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
  }
}

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  // azd finds the app by this tag.
  tags: union(tags, { 'azd-service-name': 'cfile' })
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    managedEnvironmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: port
        transport: 'auto'
        allowInsecure: false
      }
      registries: [{ server: registryServer, identity: identityId }]
      secrets: [
        { name: 'api-keys', keyVaultUrl: '${vaultUri}secrets/cfile-api-keys', identity: identityId }
        { name: 'signing-keys', keyVaultUrl: '${vaultUri}secrets/cfile-signing-keys', identity: identityId }
        { name: 'store', keyVaultUrl: '${vaultUri}secrets/cfile-store', identity: identityId }
      ]
    }
    template: {
      // CFILE_SHUTDOWN_DELAY_MS and CFILE_SHUTDOWN_TIMEOUT_MS together, and 5 s more.
      terminationGracePeriodSeconds: 75
      containers: [
        {
          name: 'cfile'
          image: hasImage ? imageName : placeholder
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: [
            { name: 'AZURE_OPENAI_ENDPOINT', value: openAiEndpoint }
            // Which of the app's identities signs in.
            { name: 'AZURE_CLIENT_ID', value: identityClientId }
            { name: 'CFILE_API_KEYS', secretRef: 'api-keys' }
            { name: 'CFILE_SIGNING_KEYS', secretRef: 'signing-keys' }
            { name: 'CFILE_STORE', secretRef: 'store' }
            { name: 'CFILE_ARCHIVE', value: 'azblob:${archiveUrl}' }
            { name: 'CFILE_PUBLIC_URL', value: url }
            { name: 'CFILE_SHUTDOWN_DELAY_MS', value: '10000' }
            { name: 'CFILE_SHUTDOWN_TIMEOUT_MS', value: '60000' }
          ]
          // The placeholder has no such paths. `azd provision` after the first deployment adds the probes.
          probes: hasImage
            ? [
                { type: 'Startup', httpGet: { path: '/healthz', port: port }, periodSeconds: 3, failureThreshold: 10 }
                { type: 'Liveness', httpGet: { path: '/healthz', port: port }, periodSeconds: 10, timeoutSeconds: 5 }
                { type: 'Readiness', httpGet: { path: '/readyz', port: port }, periodSeconds: 5, timeoutSeconds: 5 }
              ]
            : []
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [{ name: 'http', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

output url string = url
