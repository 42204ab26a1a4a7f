"""What each figure of metrics.json means, in which direction it is better, and how it misleads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """A kind of figure.

    Parameters
    ----------
    title : str
    better : {"higher", "lower", "nominal", "neither"}
        "nominal": the nearer to `target`, the better.
    meaning, trap : str
        A sentence or two each.
    target : float, optional
    key : {"views", "modality", "missing"}
        What the figure is given by, where it is more than one number: by how many modalities were observed, by the
        modality, or by the share of modalities that are missing, in percent.
    """

    title: str
    better: Literal["higher", "lower", "nominal", "neither"]
    meaning: str
    trap: str
    target: float | None = None
    key: Literal["views", "modality", "missing"] = "views"

    def of(self, key: str) -> str:
        """A key of the figure for a person: "1" -> "1 view" or "1 % missing"; a name as it is."""
        if self.key == "missing":
            return f"{key} % missing"
        return f"{key} view{'s' * (key != '1')}" if self.key == "views" and key.isdigit() else key


SIMPLER = {"mode": ("the commonest word", "the commonest word of each column"),
           "ridge": ("ridge regression", "ridge regression on the other views"),
           "neighbours": ("nearest neighbours", "the mean of the 10 nearest training items")}
"""Methods beside which a model's imputation stands: what they are called, and what they are."""


def _imputation() -> dict[str, Figure]:
    """The figures of imputation, each followed by the same of simpler methods."""
    own = {
        "r2": Figure(
            "Imputation, R2", "higher",
            "Share of the variance of a view's columns that is predicted from all other views, in items that were not "
            "trained on; counts as log(1 + x). 0: no better than the mean.",
            "A mean over columns: a few that can be predicted well hide many that cannot.", key="modality"),
        "r2_views": Figure(
            "Imputation by the number of observed views, R2", "higher",
            "The same, mean over all sets of so many observed views and all columns that are not among them.",
            "More observed views leave fewer to predict: the columns are not the same ones from row to row."),
        "accuracy": Figure(
            "Imputation of words, share right", "higher",
            "Share of a view's binary columns and categories that are predicted rightly from all other views.",
            "Compare it with the commonest word, which may be right most of the time.", key="modality"),
        "coverage_90": Figure(
            "Coverage of imputation intervals", "nominal",
            "How often the mean plus and minus 1.645 standard deviations holds the number that was hidden.",
            "Intervals are calibrated on items that were kept from the training: that holds for items that lack views "
            "by chance, as those did, and over all items, not for each kind of item.", 0.9, key="modality"),
        "coverage_90_uncalibrated": Figure(
            "Coverage of imputation intervals, uncalibrated", "nominal",
            "The same of the model's own intervals, from its posterior and its likelihood alone.",
            "Intervals are taken for normal: columns with long tails miss it at both ends.", 0.9, key="modality"),
    }
    out: dict[str, Figure] = {}
    for name, figure in own.items():
        out[f"imputation_{name}"] = figure
        for method, (called, what) in SIMPLER.items() if name in ("r2", "accuracy") else ():
            if (name, method) == ("r2", "mode"):
                continue  # that is an R2 of 0
            subject, comma, measure = figure.title.partition(", ")
            trap = ("It knows nothing of the item." if method == "mode" else
                    "It is fitted anew for each view, where a model answers for all.")
            out[f"imputation_{name}_{method}"] = Figure(
                f"{subject} by {called}{comma}{measure}", figure.better, f"The same of {what}.", trap, key="modality")
    return out


CATALOG: dict[str, Figure] = {
    "coherence": Figure(
        "Conditional coherence", "higher",
        "Share of generations of the modalities that were not observed which a classifier of real data assigns to the "
        "right class, by the number of observed views.",
        "Only the class counts: blurred or repeated pictures score as well as varied ones. The judges decide what is "
        "legible, and generations of observed modalities are left out, unlike in some published code."),
    "joint_coherence": Figure(
        "Joint coherence", "higher",
        "Share of samples from the prior on which the classifiers of all modalities agree.",
        "A model whose samples all show the same class scores 1. Private latents are drawn from the prior, too, and "
        "where they know the class, each view then shows its own."),
    "joint_coherence_fitted": Figure(
        "Joint coherence of inventions", "higher",
        "The same with z drawn by the model's sampler, a density fitted to where the training items are; the "
        "difference to the prior's is what the hole between prior and items costs.",
        "A sampler that only remembers the items would score as well; the evenness of the classes and the recall of "
        "inventions see a part of that. With private latents the difference is no longer of the place alone: their "
        "draws are given the shared part, and the best of four is kept by the model's own encoder."),
    "coherence_sharp": Figure(
        "Conditional coherence, sharp judges", "higher",
        "Conditional coherence by second classifiers that were never trained on blurred pictures; of 200 items for "
        "each view that is generated.",
        "Low does not mean wrong: a soft digit that a person reads may be noise to a classifier that has seen sharp "
        "ones alone. The gap to the other judges says how much of coherence hangs on judges that know blur."),
    "joint_coherence_fitted_sharp": Figure(
        "Joint coherence of inventions, sharp judges", "higher",
        "Share of the sampler's inventions on which all sharp judges agree, see conditional coherence by them.",
        "Judges that see noise may all answer with the same class: they then agree on nothing."),
    "class_evenness": Figure(
        "Evenness of invented classes, from the prior", "higher",
        "Entropy of the classes among samples from the prior on which the judges agree, over that of equal shares. 1: "
        "every class is as frequent as any other.",
        "It counts only samples on which the judges agree, which may be few."),
    "class_evenness_fitted": Figure(
        "Evenness of invented classes", "higher",
        "The same with z drawn by the model's sampler.",
        "A sampler that takes the frequencies of the training items is even only where those are."),
    "latent_accuracy": Figure(
        "Latent accuracy, one probe per subset", "higher",
        "Accuracy of a logistic regression on the means of q(z | x_S), fitted anew for every subset S.",
        "It asks whether the class can be read, not whether it is in the same place for every subset."),
    "latent_accuracy_one_probe": Figure(
        "Latent accuracy, one probe", "higher",
        "The same with one classifier, fitted on the posterior means of all modalities together.",
        "It rewards posteriors of subsets that look like that of all modalities. Published tables use either one."),
    "latent_accuracy_drawn": Figure(
        "Latent accuracy, one probe per subset, one drawn expert", "higher",
        "As latent accuracy, but with the mean of one component of a mixture, drawn for each item by the weights.",
        "The same as latent accuracy for every posterior that is one Gaussian. A mixture of experts loses by it what "
        "its mean gains as an ensemble of all experts."),
    "latent_accuracy_one_probe_drawn": Figure(
        "Latent accuracy, one probe, one drawn expert", "higher",
        "The same with one classifier, fitted on the drawn means of all modalities together: the convention of the "
        "published tables that are shown beside it.",
        "See both figures that it combines. The published models learned from fifteen times as many digits."),
    "latent_average_precision": Figure(
        "Latent average precision of attributes", "higher",
        "Average precision of logistic regressions on the shared means of q(z | x_S), one for each attribute and "
        "subset S, mean over the attributes.",
        "Chance is not 0 but the frequency of an attribute. Some published code ranks hard decisions instead of "
        "scores, which gives other numbers."),
    "attribute_coherence": Figure(
        "Attribute coherence", "higher",
        "Average precision with which judges of real data find an item's attributes in the generations of its "
        "modalities that were not observed, mean over the attributes.",
        "Only the order of the items counts: an attribute that is always shown a little too faintly scores as well. "
        "Chance is the frequency of an attribute."),
    "text_accuracy": Figure(
        "Right characters and words of generated texts", "higher",
        "Texts generated from all other modalities: share of the true characters at the best place, and number of "
        "words in both texts over that in either.",
        "A text of common characters at the right distance has many of them right by chance; and one superfluous word "
        "moves all that follow."),
    "coverage_90_decoded": Figure(
        "Coverage of 90 percent intervals, without noise", "nominal",
        "How often the posterior's central 90 percent interval of an active latent dimension holds the z that made the "
        "data, which the model decoded itself. Less than 0.9: too narrow, or in the wrong place.",
        "It speaks of the model's own pictures, not of real data, and without the noise that its likelihood assumes "
        "the true posterior is narrower; with beta above 1 one is trained to be wider than the true one.", 0.9),
    "coverage_90_noisy": Figure(
        "Coverage of 90 percent intervals, with noise", "nominal",
        "The same with data drawn from the likelihood, its noise included: simulation-based calibration.",
        "No encoder met such noise in training. A low figure may be its answer to strange pictures and not an "
        "overconfident rule: compare it with that without noise.", 0.9),
    "latent_accuracy_missing": Figure(
        "Latent accuracy with missing modalities", "higher",
        "Accuracy of one logistic regression, fitted on the posterior means of all modalities, on test items that lack "
        "a share of their modalities, completely at random, never all.",
        "With half of five views missing an item still has two or three: the curve is flatter than that of one view.",
        key="missing"),
    "coherence_missing": Figure(
        "Coherence of what is missing", "higher",
        "Share of the generations of an item's missing modalities which a classifier of real data assigns to the right "
        "class, given the modalities that it has left. Items with nothing missing are left out.",
        "The items that count are not the same ones at 20 and at 50 percent.", key="missing"),
    "log_likelihood": Figure(
        "Log-likelihood of all modalities, nats", "higher",
        "log p(x) by importance sampling, 100 samples an item, 200 items, from a proposal at the mode of each item's "
        "own posterior density: it measures the decoders, whatever the encoders make of an item.",
        "A lower bound; a second mode that the search does not find lowers it. Densities of pixels: only differences "
        "between models of the same likelihood mean something. Items differ far more than methods: read the paired "
        "differences."),
    "conditional_log_likelihood": Figure(
        "Conditional log-likelihood, nats", "higher",
        "log p(x_m | all other modalities), the difference of two importance-sampled log-likelihoods, 25 items.",
        "The difference of two bounds is no bound, and few items are a rough figure.", key="modality"),
    "w2_to_joint": Figure(
        "Distance of a modality to the joint posterior (W2)", "neither",
        "2-Wasserstein distance between the posterior of one modality and that of all, in units of the latent space.",
        "Units differ between models: compare it with their posterior scales.", key="modality"),
    "kl_joint_to_modality": Figure(
        "KL(joint ‖ modality), nats", "neither",
        "What the posterior of one modality misses of the joint one: large if it is sure of something else.",
        "Dominated by the narrowest dimension.", key="modality"),
    "outside_experts": Figure(
        "Joint means outside the experts' range", "neither",
        "Share of the dimensions in which the mean of q(z | x_S) lies beyond the means of all experts in S, and of the "
        "prior where the rule takes it for one.",
        "No fault in itself: experts that err together, the wider one more, are best corrected beyond the sharper one. "
        "It is right as far as their errors do depend on each other as the rule says."),
    "reconstruction_error": Figure(
        "Reconstruction error", "lower",
        "Root of the mean squared error of pixels (texts: share of wrong characters) from the mean of q(z | all).",
        "A model may reconstruct well and generate badly, and the other way round.", key="modality"),
    **_imputation(),
    "variety": Figure(
        "Variety of translations", "nominal",
        "Squared distance of two pictures that were generated from the same views of an item, over that of two real "
        "pictures of one class, by the number of observed views. 0: always the same picture.",
        "Not higher is better: an item's other views say more than its class, so less than 1 can be right. Noise and "
        "pictures of a wrong class are far apart too: read coherence beside it.", 1.0),
    "sharpness": Figure(
        "Sharpness of translations", "nominal",
        "Variance of the Laplacian (differences between neighbouring pixels) of generated pictures over that of real "
        "ones, by the number of observed views. 0: all is blurred; 1: as rich in detail as real pictures.",
        "It does not ask which detail: noise and a background that is copied exactly are sharp too.", 1.0),
    "conditional_frechet": Figure(
        "Fréchet distance of translations in the judges' features", "lower",
        "Between pictures that were generated from other views and real test pictures, in the features of the "
        "coherence classifiers, mean over the modalities, by the number of observed views.",
        "It compares two heaps: a sharp digit of the wrong class costs nothing as long as the heap is right, so read "
        "coherence beside it. The judges know blurred pictures, which makes blur cheaper than it looks. 200 pictures "
        "of a modality are few: all values are too high, about equally. Not FID."),
    "conditional_precision": Figure(
        "Precision of translations", "higher",
        "Share of translations that lie among the real pictures, in the judges' features, by the number of observed "
        "views.",
        "One clean average of each class, repeated, has a high precision: read recall beside it."),
    "conditional_recall": Figure(
        "Recall of translations", "higher",
        "Share of the real pictures that lie among the translations, in the judges' features, by the number of "
        "observed views.",
        "Translations that are scattered widely reach more real pictures, also where they are wrong."),
    "judge_frechet": Figure(
        "Fréchet distance in the judges' features", "lower",
        "Between unconditional samples and test images of a modality, in the features of its coherence classifier.",
        "This is not FID: other features, other numbers. Comparable within one data set of this package only.",
        key="modality"),
    "precision": Figure(
        "Precision of samples", "higher", "Share of samples that lie among the real images, in the judges' features.",
        "A model that repeats one perfect picture has precision 1.", key="modality"),
    "recall": Figure(
        "Recall of samples", "higher", "Share of real images that lie among the samples, in the judges' features.",
        "Noise that is wide enough has recall 1.", key="modality"),
    "judge_frechet_fitted": Figure(
        "Fréchet distance of inventions in the judges' features", "lower",
        "As that of samples, with z drawn by the model's sampler.",
        "A sampler that only remembers the items has the distance of their reconstructions.", key="modality"),
    "precision_fitted": Figure(
        "Precision of inventions", "higher", "As that of samples, with z drawn by the model's sampler.",
        "A model that repeats one perfect picture has precision 1.", key="modality"),
    "recall_fitted": Figure(
        "Recall of inventions", "higher", "As that of samples, with z drawn by the model's sampler.",
        "Low where inventions are all alike, or all averages: an average lies among few real images.", key="modality"),
}


@dataclass(frozen=True)
class Published:
    """A row of numbers of another paper, on other data.

    Parameters
    ----------
    method, metric, source : str
    values : tuple of float
        By the number of observed views, from one on.
    """

    method: str
    metric: str
    values: tuple[float, ...]
    source: str


_FIGURE = "MVTCAE paper (Hwang et al., NeurIPS 2021), figure 2: 60,000 digits, 300 epochs"
PUBLISHED: dict[str, tuple[Published, ...]] = {
    "polymnist": (
        Published("MVTCAE", "latent_accuracy_one_probe_drawn", (0.939, 0.988, 0.995, 0.996, 0.997), _FIGURE),
        Published("MoPoE-VAE", "latent_accuracy_one_probe_drawn", (0.819, 0.903, 0.929, 0.941, 0.950), _FIGURE),
        Published("MVAE", "latent_accuracy_one_probe_drawn", (0.697, 0.833, 0.906, 0.934, 0.947), _FIGURE),
        Published("MMVAE", "latent_accuracy_one_probe_drawn", (0.824,) * 5, _FIGURE),
        Published("MVTCAE", "coherence", (0.590, 0.772, 0.833, 0.855), _FIGURE),
        Published("MoPoE-VAE", "coherence", (0.632, 0.749, 0.790, 0.804), _FIGURE),
        Published("MVAE", "coherence", (0.287, 0.415, 0.480, 0.523), _FIGURE),
        Published("MMVAE", "coherence", (0.706,) * 4, _FIGURE),
    ),
}


def written(figure: Mapping[str, float]) -> str:
    """Mean ± standard error with as many digits as the error gives sense to, the same for both."""
    digits = 0 if figure["se"] >= 1 else 1 if figure["se"] >= 0.1 else 3
    return f"{figure['mean']:,.{digits}f} ± {figure['se']:,.{digits}f}"
