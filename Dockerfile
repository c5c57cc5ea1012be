FROM node:22-bookworm-slim AS pages
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=pages /src/static/dist static/dist
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /magpie ./server && mkdir /data /tmp/empty

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /magpie /magpie
COPY --from=build --chown=65532:65532 --chmod=700 /data /data
COPY --from=build --chown=65532:65532 /tmp/empty /tmp
USER 65532:65532
VOLUME /data
EXPOSE 8080 1883 8883
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/magpie", "health"]
ENTRYPOINT ["/magpie"]
CMD ["serve", "--data", "/data"]
