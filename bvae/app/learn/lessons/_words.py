"""Terms that lessons use, each explained in a sentence or two, so that every lesson can be read alone."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A term, how to find it in a text (a regular expression), and what it means."""

    name: str
    pattern: str
    meaning: str


WORDS: dict[str, Word] = {
    "z": Word("z", r"\bz\b", "the hidden cause of what is observed: a list of numbers in which a model writes down "
              "what an item is, such as which digit it shows. Nobody sees z, one can only form a belief about it."),
    "view": Word("view", r"\bviews?\b", "one way to observe an item: a photograph, a sound, a text. Also called a "
                 "modality."),
    "gaussian": Word("Gaussian", r"\bGaussians?\b|σ|\bmeans?\b(?= [−\d]| of)", "a bell curve. Its **mean** says where, "
                     "its width **σ** (the standard deviation) how unsure: about two thirds of the curve lie within "
                     "one σ of the mean."),
    "expert": Word("expert", r"\bexperts?\b", "the part of a model that looks at one view only and answers with a "
                   "Gaussian, its belief about z."),
    "joint": Word("joint belief", r"\bjoint\b", "the one belief about z that a rule makes of those of all experts."),
    "poe": Word("PoE", r"\bPoE\b", "product of experts: multiply the experts' curves. Precisions, 1/σ², add up."),
    "moe": Word("MoE", r"\bMoE\b", "mixture of experts: draw one expert by lot and let it speak. One hump for each "
                "expert."),
    "wasserstein": Word("Wasserstein barycenter", r"\bWasserstein\b", "the Gaussian in the middle: the average of the "
                        "experts' means and of their widths σ."),
    "mixture": Word("mixture over subsets", r"\b(MWB|MoPoE)\b(?!-)", "every group of experts forms its own joint "
                    "belief, and one group is drawn by lot. **MoPoE** multiplies inside a group, **MWB** takes the "
                    "Wasserstein barycenter."),
    "precision": Word("precision", r"\bprecisions?\b", "1/σ²: large for a narrow curve."),
    "barycenter": Word("barycenter", r"\bbarycenters?\b", "the belief that is nearest to all experts together, in a "
                       "chosen kind of distance."),
    "coherence": Word("coherence", r"\b[Cc]oherence\b", "how often a generated view shows the right class, as a "
                      "classifier of real images sees it."),
    "coverage": Word("coverage", r"\b[Cc]overage\b", "how often an interval that should hold the truth in 90 of 100 "
                     "cases does hold it."),
    "tsne": Word("t-SNE", r"\bt-SNE\b", "a way to lay out many points of a high-dimensional space on a flat map."),
    "perplexity": Word("perplexity", r"\b[Pp]erplexity\b", "the one setting of t-SNE: roughly how many neighbours "
                       "each point should keep."),
    "prior": Word("prior", r"\bprior\b", "what a model believes about z before it sees anything: a Gaussian with mean "
                  "0 and σ = 1."),
    "private": Word("private part", r"\bprivate\b", "numbers that one view has for itself: what no other view can "
                    "know of it."),
    "checkpoint": Word("method names", r"\b(MVAE|MMVAE|WB-VAE|MWB-VAE|MoPoE-VAE)\b", "trained models of this app: MVAE "
                       "multiplies (PoE), MMVAE mixes (MoE), WB-VAE takes the Wasserstein barycenter, MoPoE-VAE and "
                       "MWB-VAE mix over subsets."),
}
