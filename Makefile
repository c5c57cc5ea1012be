# Everything that is done to this repository. `make help` lists the targets.

STATICCHECK = go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
# S3 servers that the tests run. Building them takes some minutes, once.
TOOLS = bin/tools/versitygw bin/tools/minio
GO_FILES = $(shell git ls-files '*.go')
BROWSER = chromium fonts-noto-cjk fonts-noto-color-emoji
SUDO = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
INSTALL = { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends
# What the pages are made of: a change in one of these builds them anew.
PAGES = $(shell find web static package.json package-lock.json tsconfig.json vite.config.ts -type f -not -path 'static/dist/*' -not -name '*.go' 2>/dev/null)

.DEFAULT_GOAL = help
.PHONY: help build run example client test test-go test-web test-browser check format bench generate clean tools compiler browser mosquitto nginx

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: static/dist/index.html ## Build bin/magpie with the pages inside
	CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o bin/magpie ./server

run: build ## Build, and run with a demo organisation at http://localhost:8080
	bin/magpie serve --demo

example: build ## Run the demo and a system that shows it on its pages, at http://127.0.0.1:8090
	node examples/oa/try.mjs

client: node_modules/.package-lock.json ## Build the npm package of the client, in build/client
	npm run package

test: test-go test-web test-browser ## Run every test, installing what is missing first

test-go: compiler tools ## Run the Go tests with the race detector
	go test -race -timeout 30m ./...

test-web: node_modules/.package-lock.json ## Run the TypeScript tests
	npm test

test-browser: build browser tools ## Run the tests in a real browser
	npm run e2e

check: node_modules/.package-lock.json ## Check the format and lint
	@test -z "$$(gofmt -l $(GO_FILES))" || { gofmt -d $(GO_FILES); exit 1; }
	go vet ./...
	$(STATICCHECK) ./...
	npm run check

format: node_modules/.package-lock.json ## Put the sources into their format
	gofmt -w $(GO_FILES)
	npx biome check --write .

bench: build browser mosquitto nginx ## Measure speed and memory, of the server and in a browser
	go run ./bench

generate: ## Write the generated sources anew
	go generate ./...

clean: ## Remove what the build made
	rm -rf bin build static/dist node_modules test-results

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	@touch $@

static/dist/index.html: node_modules/.package-lock.json $(PAGES)
	npm run build
	@touch $@

tools: $(TOOLS) ## Build the S3 servers that the tests need

bin/tools/versitygw:
	GOBIN=$(CURDIR)/bin/tools go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

bin/tools/minio:
	GOBIN=$(CURDIR)/bin/tools go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

# The race detector needs a C compiler.
compiler:
	@command -v cc >/dev/null || $(INSTALL) gcc libc6-dev; }

browser:
	@command -v chromium >/dev/null || $(INSTALL) $(BROWSER); }

mosquitto:
	@command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || $(INSTALL) mosquitto; }

nginx:
	@command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || $(INSTALL) nginx-light; }
