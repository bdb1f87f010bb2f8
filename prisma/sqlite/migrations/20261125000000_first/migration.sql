-- CreateTable
CREATE TABLE "instances" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "project" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "ephemeral" BOOLEAN NOT NULL,
    "profiles" TEXT NOT NULL,
    "config" TEXT NOT NULL,
    "devices" TEXT NOT NULL,
    "phase" TEXT NOT NULL,
    "desired" TEXT NOT NULL,
    "poolId" TEXT NOT NULL,
    "volumeId" TEXT NOT NULL,
    "imageFingerprint" TEXT,
    "metadata" TEXT NOT NULL,
    "templates" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    "lastUsedAtMs" BIGINT NOT NULL
);

-- CreateTable
CREATE TABLE "snapshots" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "instanceId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "config" TEXT NOT NULL,
    "devices" TEXT NOT NULL,
    "profiles" TEXT NOT NULL,
    "ephemeral" BOOLEAN NOT NULL,
    "phase" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    "expiresAtMs" BIGINT,
    CONSTRAINT "snapshots_instanceId_fkey" FOREIGN KEY ("instanceId") REFERENCES "instances" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "images" (
    "fingerprint" TEXT NOT NULL PRIMARY KEY,
    "filename" TEXT NOT NULL,
    "sizeBytes" BIGINT NOT NULL,
    "type" TEXT NOT NULL,
    "architecture" TEXT NOT NULL,
    "public" BOOLEAN NOT NULL,
    "cached" BOOLEAN NOT NULL,
    "properties" TEXT NOT NULL,
    "metadata" TEXT NOT NULL,
    "templates" TEXT NOT NULL,
    "split" BOOLEAN NOT NULL,
    "phase" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    "uploadedAtMs" BIGINT NOT NULL,
    "expiresAtMs" BIGINT,
    "lastUsedAtMs" BIGINT
);

-- CreateTable
CREATE TABLE "aliases" (
    "name" TEXT NOT NULL PRIMARY KEY,
    "description" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    CONSTRAINT "aliases_fingerprint_fkey" FOREIGN KEY ("fingerprint") REFERENCES "images" ("fingerprint") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "profiles" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "project" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "config" TEXT NOT NULL,
    "devices" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "networks" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "config" TEXT NOT NULL,
    "phase" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "pools" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "description" TEXT NOT NULL,
    "driver" TEXT NOT NULL,
    "config" TEXT NOT NULL,
    "phase" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "name" TEXT NOT NULL,
    "passphraseHash" TEXT
);

-- CreateTable
CREATE TABLE "sessions" (
    "tokenHash" TEXT NOT NULL PRIMARY KEY,
    "id" TEXT NOT NULL,
    "userId" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    "lastSeenAtMs" BIGINT NOT NULL,
    "expiresAtMs" BIGINT NOT NULL,
    "address" TEXT NOT NULL,
    "userAgent" TEXT NOT NULL,
    CONSTRAINT "sessions_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "passkeys" (
    "credentialId" TEXT NOT NULL PRIMARY KEY,
    "userId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "publicKey" BLOB NOT NULL,
    "counter" BIGINT NOT NULL,
    "transports" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    CONSTRAINT "passkeys_userId_fkey" FOREIGN KEY ("userId") REFERENCES "users" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "operations" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "class" TEXT NOT NULL,
    "durable" BOOLEAN NOT NULL,
    "description" TEXT NOT NULL,
    "project" TEXT NOT NULL,
    "requestor" TEXT NOT NULL,
    "params" TEXT NOT NULL,
    "locks" TEXT NOT NULL,
    "resources" TEXT NOT NULL,
    "metadata" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "stuck" BOOLEAN NOT NULL,
    "errorCode" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "createdAtMs" BIGINT NOT NULL,
    "updatedAtMs" BIGINT NOT NULL
);

-- CreateTable
CREATE TABLE "operation_log" (
    "sequence" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "operationId" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "atMs" BIGINT NOT NULL,
    CONSTRAINT "operation_log_operationId_fkey" FOREIGN KEY ("operationId") REFERENCES "operations" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "settings" (
    "key" TEXT NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "instances_project_name_key" ON "instances"("project", "name");

-- CreateIndex
CREATE UNIQUE INDEX "snapshots_instanceId_name_key" ON "snapshots"("instanceId", "name");

-- CreateIndex
CREATE INDEX "aliases_fingerprint_idx" ON "aliases"("fingerprint");

-- CreateIndex
CREATE UNIQUE INDEX "profiles_project_name_key" ON "profiles"("project", "name");

-- CreateIndex
CREATE UNIQUE INDEX "networks_name_key" ON "networks"("name");

-- CreateIndex
CREATE UNIQUE INDEX "pools_name_key" ON "pools"("name");

-- CreateIndex
CREATE UNIQUE INDEX "users_name_key" ON "users"("name");

-- CreateIndex
CREATE UNIQUE INDEX "sessions_id_key" ON "sessions"("id");

-- CreateIndex
CREATE INDEX "sessions_userId_idx" ON "sessions"("userId");

-- CreateIndex
CREATE INDEX "passkeys_userId_idx" ON "passkeys"("userId");

-- CreateIndex
CREATE INDEX "operations_status_idx" ON "operations"("status");

-- CreateIndex
CREATE INDEX "operations_createdAtMs_idx" ON "operations"("createdAtMs");

-- CreateIndex
CREATE INDEX "operation_log_operationId_idx" ON "operation_log"("operationId");
