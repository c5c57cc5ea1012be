package main

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"magpie/server/broker"
	"magpie/server/chat"
	"magpie/server/store"
	"magpie/server/webhook"
)

// counter follows the store to count what it makes durable.
type counter struct {
	entries *prometheus.CounterVec
	events  prometheus.Counter
}

var streamNames = map[chat.StreamKind]string{
	chat.StreamPair: "im_user", chat.StreamGroup: "im_group", chat.StreamUserNotice: "notice_user", chat.StreamGroupNotice: "notice_group",
	chat.StreamTerminalNotice: "notice_terminal", chat.StreamApp: "app",
}

// Appended implements chat.Observer.
func (c *counter) Appended(entries []chat.Entry) {
	for i := range entries {
		c.entries.WithLabelValues(streamNames[entries[i].Stream.Kind]).Inc()
	}
}

// Changed implements chat.Observer.
func (c *counter) Changed(events []chat.Event) { c.events.Add(float64(len(events))) }

// metricsServer serves /metrics and nothing else.
func metricsServer(r *prometheus.Registry) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	return &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
}

// newFigures makes the registry that /metrics shows.
func newFigures(b *broker.Broker, st *store.Store, hooks *webhook.Dispatcher) *prometheus.Registry {
	c := &counter{
		entries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "magpie_log_entries_total", Help: "Entries made durable, by what their stream carries."}, []string{"stream"}),
		events:  prometheus.NewCounter(prometheus.CounterOpts{Name: "magpie_events_total", Help: "Changes of people and groups made durable."}),
	}
	st.Observe(c)
	r := prometheus.NewRegistry()
	r.MustRegister(c.entries, c.events, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "magpie_mqtt_sessions", Help: "Connected MQTT sessions."},
			func() float64 { return float64(b.Connected()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "magpie_webhook_deliveries_waiting", Help: "Deliveries of webhooks that are queued and not delivered yet."},
			func() float64 {
				n, err := st.AllWaiting(context.Background())
				if err != nil {
					return math.NaN()
				}
				return float64(n)
			}))
	for outcome, count := range hooks.Attempts() {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "magpie_webhook_attempts_total", ConstLabels: prometheus.Labels{"outcome": outcome},
			Help: "Attempts to deliver to webhooks: delivered, put off until later (again), failed for good."}, func() float64 { return float64(count.Load()) }))
	}
	return r
}
