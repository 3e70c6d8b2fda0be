#include "sim/workflow.h"

#include <stdlib.h>

#include "sim/memory.h"
#include "sim/random.h"

/* Purposes of hashes: each draw of a workflow has a separate stream. */
enum { FOR_WORKFLOW = 1, FOR_ATTEMPT, FOR_EVIDENCE, FOR_LENIENCE };

void workflow_totals(const struct options *options, int64_t totals[NODE_TYPES])
{
    for (int type = 0; type < NODE_TYPES; type++) {
        int64_t count = 1;
        if (type >= NODE_LOAD_PDF && type <= NODE_EXTRACT_EVIDENCE) count = options->pdfs;
        if (type == NODE_SIMILARITY_SEARCH || type == NODE_EXTRACT_EVIDENCE)
            count *= options->subqueries;
        totals[type] = count * options->iters;
    }
}

struct workflow *workflow_new(int64_t id, int64_t arrived, const struct options *options,
                              const struct config *config)
{
    struct workflow *workflow = memory_new(1, sizeof *workflow);
    workflow->id = id;
    workflow->arrived = arrived;
    workflow->stream = random_hash(random_hash(options->seed, FOR_WORKFLOW), (uint64_t)id);
    workflow_totals(options, workflow->remaining);
    for (int type = 0; type < NODE_TYPES; type++) {
        const struct provider_config *provider = &config->providers[config->nodes[type].provider];
        workflow->reserve += (double)workflow->remaining[type] *
                             (double)provider->tiers[provider->by_price[0]].price;
    }
    return workflow;
}

void workflow_free(struct workflow *workflow)
{
    free(workflow);
}

struct node *workflow_add(struct workflow *workflow, enum node_type type, int32_t iter,
                          int32_t pdf, int32_t subquery)
{
    struct node *node = memory_new(1, sizeof *node);
    node->workflow = workflow;
    node->type = type;
    node->iter = iter;
    node->pdf = pdf;
    node->subquery = subquery;
    node->number = ++workflow->nodes_made;
    node->next = workflow->nodes;
    if (node->next) node->next->previous = node;
    workflow->nodes = node;
    workflow->live[type]++;
    return node;
}

void workflow_drop(struct workflow *workflow, struct node *node)
{
    if (node->next) node->next->previous = node->previous;
    if (node->previous)
        node->previous->next = node->next;
    else
        workflow->nodes = node->next;
    workflow->live[node->type]--;
    free(node);
}

static uint64_t hash_at(const struct workflow *workflow, uint64_t purpose, int64_t iter,
                        int64_t pdf, int64_t subquery)
{
    uint64_t hash = random_hash(workflow->stream, purpose);
    hash = random_hash(hash, (uint64_t)iter);
    hash = random_hash(hash, (uint64_t)pdf);
    return random_hash(hash, (uint64_t)subquery);
}

/* Nothing is stored while evidence arrives, because a hash gives what each search found. */
static bool evidence_suffices(const struct workflow *workflow, int32_t iter,
                              const struct options *options)
{
    int64_t covered = 0, total = 0;
    for (int64_t pdf = 0; pdf < options->pdfs; pdf++) {
        int64_t before = total;
        for (int64_t subquery = 0; subquery < options->subqueries; subquery++)
            total += (int64_t)(hash_at(workflow, FOR_EVIDENCE, iter, pdf, subquery) & 3);
        covered += total > before;
    }
    double coverage = (double)covered / (double)options->pdfs;
    int64_t searches = options->subqueries > 0 ? options->subqueries : 1;
    double confidence = (double)total / ((double)options->pdfs * (double)searches * 2);
    if (coverage >= 0.60 && confidence >= 0.50) return true;
    bool lenient = hash_at(workflow, FOR_LENIENCE, iter, 0, 0) % 10 < 3;
    return lenient && coverage >= 0.45 && confidence >= 0.35;
}

bool workflow_advance(struct workflow *workflow, const struct node *node,
                      const struct options *options, workflow_spawn *spawn, void *context)
{
    int32_t iter = node->iter, pdf = node->pdf;
    workflow->remaining[node->type]--;
    switch (node->type) {
    case NODE_PLAN:
        workflow->awaited = options->pdfs * options->subqueries;
        for (int32_t p = 0; p < options->pdfs; p++)
            spawn(context, workflow, NODE_LOAD_PDF, iter, p, -1);
        if (options->subqueries == 0) spawn(context, workflow, NODE_AGGREGATE, iter, -1, -1);
        return false;
    case NODE_LOAD_PDF:
        spawn(context, workflow, NODE_CHUNK, iter, pdf, -1);
        return false;
    case NODE_CHUNK:
        spawn(context, workflow, NODE_EMBED, iter, pdf, -1);
        return false;
    case NODE_EMBED:
        for (int32_t q = 0; q < options->subqueries; q++)
            spawn(context, workflow, NODE_SIMILARITY_SEARCH, iter, pdf, q);
        return false;
    case NODE_SIMILARITY_SEARCH:
        spawn(context, workflow, NODE_EXTRACT_EVIDENCE, iter, pdf, node->subquery);
        return false;
    case NODE_EXTRACT_EVIDENCE:
        if (--workflow->awaited == 0) spawn(context, workflow, NODE_AGGREGATE, iter, -1, -1);
        return false;
    case NODE_AGGREGATE:
        spawn(context, workflow, NODE_DECIDE_NEXT, iter, -1, -1);
        return false;
    default:
        if (iter + 1 == options->iters || evidence_suffices(workflow, iter, options)) return true;
        spawn(context, workflow, NODE_PLAN, iter + 1, -1, -1);
        return false;
    }
}

double node_tokens(const struct node *node, const struct options *options)
{
    if (node->type != NODE_PLAN) return 0;
    double subqueries = (double)options->subqueries, pdfs = (double)options->pdfs;
    return node->iter == 0 ? 200 + 10 * subqueries + 3 * pdfs : 220 + 15 * subqueries + 4 * pdfs;
}

uint64_t node_stream(const struct node *node, int32_t attempt)
{
    uint64_t hash = hash_at(node->workflow, FOR_ATTEMPT, node->iter, node->pdf, node->subquery);
    return random_hash(random_hash(hash, (uint64_t)node->type), (uint64_t)attempt);
}
